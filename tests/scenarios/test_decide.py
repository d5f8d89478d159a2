"""What a turn does in its conversation, with a ranking that the test decides."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec import Struct, structs

from talkwire.canon.errors import Unprocessable, UpstreamTimeout
from talkwire.canon.scenarios import Language, Scene
from talkwire.canon.turn import Message, TextPart, TurnRequest, text_message
from talkwire.scenarios.catalogue import Catalogue, Intent, Passage, Scenario
from talkwire.scenarios.decide import decide
from tests.scenarios.catalogues import PASSAGES, REFUND, WITHDRAWAL, catalogue


class Candidate(Struct, frozen=True):
    scenario: Scenario
    confidence: float


class Ranked(Struct, frozen=True):
    candidates: Sequence[Candidate]
    aside: Intent | None = None
    aside_confidence: float = 0.0
    sure: bool = True


FIRST = Ranked([Candidate(WITHDRAWAL, 0.93), Candidate(REFUND, 0.21)])
UNSURE = Ranked([Candidate(REFUND, 0.41), Candidate(WITHDRAWAL, 0.38)], sure=False)
PERSON = Ranked(FIRST.candidates, "person", 0.97)
ELSEWHERE = Ranked(FIRST.candidates, "out_of_scope", 0.88)


class Shelf:
    """Ranks as it is told to; remembers what it was asked."""

    def __init__(self, ranked: Ranked) -> None:
        self.ranked = ranked
        self.asked: list[tuple[str, tuple[str, str] | None, str]] = []
        self.catalogue: Catalogue = catalogue()

    async def rank(self, text: str, *, previous: tuple[str, str] | None, category: str) -> Ranked:
        self.asked.append((text, previous, category))
        return self.ranked

    def passages(
        self, text: str, scenario: Scenario, language: Language
    ) -> Sequence[tuple[str, Passage]]:
        found = PASSAGES[scenario.sop_references[0]]
        return [(f"{each.file}#{n}", each) for n, each in enumerate(found)]


class Talk:
    """A conversation with the desk, turn by turn. `decisions` are what a model decides."""

    def __init__(self, ranked: Ranked = FIRST, *decisions: Any) -> None:
        self.shelf = Shelf(ranked)
        self.said: list[Message] = []
        self.decisions = list(decisions)
        self.questions: list[str] = []

    async def __call__(self, text: str, ranked: Ranked | None = None, **asked: Any) -> Scene:
        self.shelf.ranked = ranked or self.shelf.ranked
        self.said.append(text_message("u", "user", text))
        request = TurnRequest("s", "support", **{"scenario": "", **asked})
        ask = self._ask if self.decisions else None
        scene = await decide(self.shelf, request, self.said, ask)
        self.said.append(Message("a", "assistant", (TextPart("…"),), scene=scene))
        return scene

    async def _ask(self, instructions: str, said: Sequence[Message], schema: Any) -> str:
        self.questions.append(instructions)
        decision = self.decisions.pop(0) if len(self.decisions) > 1 else self.decisions[0]
        if isinstance(decision, Exception):
            raise decision
        return decision if isinstance(decision, str) else json.dumps(decision)


async def test_the_first_in_the_ranking_answers_from_its_flow() -> None:
    scene = await Talk()("提现到哪了")

    assert (scene.category, scene.subcategory, scene.move) == (*WITHDRAWAL.key, "answer")
    assert (scene.confidence, scene.related) == (0.93, WITHDRAWAL.related_subcategories)
    assert (scene.said, scene.step, scene.tries) == (("ask_id",), "ask_id", 0)
    assert scene.reasons == ("ranked first",)


async def test_a_question_for_data_uses_no_procedure() -> None:
    scene = await Talk()("提现到哪了")

    assert (scene.passages, scene.sop_references) == ((), ())


async def test_an_answer_goes_on_in_the_flow_whatever_the_ranking_says() -> None:
    talk = Talk()
    await talk("提现到哪了")

    scene = await talk("WD20260312", UNSURE)

    assert scene.slots == {"withdrawal_id": "WD20260312"}
    assert (scene.said, scene.step) == (("look", "open", "ask_waited"), "ask_waited")
    assert (scene.confidence, scene.reasons) == (0.93, ("answers what was asked",))
    assert scene.sop_references == ("withdrawal.md",)


async def test_the_flow_is_walked_to_its_end_and_passes_on() -> None:
    talk = Talk()
    await talk("提现到哪了")
    await talk("WD20260312")

    scene = await talk("已经三天了")

    assert (scene.move, scene.said, scene.step) == ("hand_over", ("pass",), "")
    assert scene.slots == {"withdrawal_id": "WD20260312", "waited": "long"}


async def test_what_is_not_understood_is_asked_again_and_counted() -> None:
    talk = Talk()
    await talk("提现到哪了")

    first = await talk("1234")
    assert (first.tries, first.passages) == (1, ())
    assert (await talk("不记得了")).tries == 2
    assert (await talk("WD20260312")).tries == 0


async def test_a_follow_up_question_is_answered_from_the_procedure_and_the_flow_waits_on() -> None:
    talk = Talk()
    await talk("提现到哪了")

    scene = await talk("一般要多久呢")

    assert (scene.step, scene.said, scene.tries) == ("ask_id", ("ask_id",), 0)
    assert scene.passages == ("withdrawal.md#0",)
    assert scene.sop_references == ("withdrawal.md",)


async def test_facts_of_the_client_fill_the_flow() -> None:
    facts = '{"withdrawalNo":"WD7","status":"paid"}'

    scene = await Talk()("提现到哪了", facts=facts)

    assert scene.said == ("look", "done")
    assert scene.slots == {"withdrawal_id": "WD7", "state": "paid"}


async def test_a_new_topic_switches_and_takes_along_what_both_know() -> None:
    talk = Talk()
    await talk("提现到哪了 WD20260312，三天了")

    scene = await talk("退款呢", Ranked([Candidate(REFUND, 0.9)]))

    assert (scene.category, scene.subcategory) == REFUND.key
    assert scene.slots == {"withdrawal_id": "WD20260312"}
    assert talk.shelf.asked[1][1] == WITHDRAWAL.key


async def test_a_pinned_scenario_is_certain() -> None:
    scene = await Talk(UNSURE)("查一下", scenario=REFUND.subcategory, category="退款")

    assert (scene.subcategory, scene.confidence) == (REFUND.subcategory, 1.0)


async def test_a_category_alone_narrows_the_search() -> None:
    talk = Talk()

    await talk("到哪了", category="退款")

    assert talk.shelf.asked == [("到哪了", None, "退款")]


async def test_who_wants_a_person_gets_one_and_the_case_goes_along() -> None:
    talk = Talk()
    await talk("提现到哪了 WD20260312")

    scene = await talk("转人工", PERSON)

    assert (scene.move, scene.confidence) == ("hand_over", 0.97)
    assert (scene.category, scene.subcategory) == WITHDRAWAL.key
    assert scene.slots == {"withdrawal_id": "WD20260312"}


async def test_the_wish_for_a_person_is_above_a_pinned_scenario() -> None:
    scene = await Talk(PERSON)("转人工", scenario=REFUND.subcategory)

    assert (scene.move, scene.category) == ("hand_over", "")


async def test_what_is_like_no_scenario_is_said_to_be_that() -> None:
    scene = await Talk(ELSEWHERE)("天气怎么样")

    assert (scene.move, scene.category, scene.confidence) == ("out_of_scope", "", 0.88)


async def test_where_it_is_not_sure_the_desk_asks_which_one_is_meant() -> None:
    talk = Talk(UNSURE)

    scene = await talk("钱呢")

    assert (scene.move, scene.category, scene.confidence) == ("clarify", "", 0.41)
    assert scene.related == (REFUND.subcategory, WITHDRAWAL.subcategory)


@pytest.mark.parametrize("text", ["2", "第二个", "选2", "二", "the second one", "Number 2."])
async def test_the_answer_to_that_may_be_a_number(text: str) -> None:
    talk = Talk(UNSURE)
    await talk("钱呢")

    scene = await talk(text)

    assert (scene.subcategory, scene.confidence) == (WITHDRAWAL.subcategory, 1.0)


@pytest.mark.parametrize("text", ["3", "第九个", "2000元没到"])
async def test_a_number_that_names_none_is_ranked(text: str) -> None:
    talk = Talk(UNSURE)
    await talk("钱呢")

    assert (await talk(text)).move == "clarify"


async def test_nothing_to_rank_is_asked_about() -> None:
    assert (await Talk(Ranked([], sure=False))("?")).move == "clarify"


async def test_a_model_decides_among_the_nearest_and_reads_the_slots() -> None:
    slots = [{"name": "withdrawal_id", "value": "WD8888"}, {"name": "state", "value": "nonsense"}]
    talk = Talk(UNSURE, {"move": "answer", "choice": 2, "slots": slots})

    scene = await talk("WD8888 这笔钱")

    assert (scene.subcategory, scene.confidence) == (WITHDRAWAL.subcategory, 0.38)
    assert scene.slots == {"withdrawal_id": "WD8888"}
    assert scene.reasons == ("decided by the model",)
    assert scene.passages == ("withdrawal.md#0", "withdrawal.md#1")
    assert scene.sop_references == ("withdrawal.md",)


async def test_a_model_can_choose_where_the_talk_stands_though_it_is_not_near() -> None:
    talk = Talk(FIRST, {"move": "answer", "choice": 1, "slots": []})
    await talk("提现到哪了")
    talk.decisions = [{"move": "answer", "choice": 2, "slots": []}]

    scene = await talk("那要多久", Ranked([Candidate(REFUND, 0.6)]))

    assert scene.subcategory == WITHDRAWAL.subcategory


@pytest.mark.parametrize("move", ["hand_over", "out_of_scope", "clarify"])
async def test_a_model_may_find_that_none_fits(move: str) -> None:
    scene = await Talk(FIRST, {"move": move, "choice": 0, "slots": []})("嗯")

    assert scene.move == move


@pytest.mark.parametrize("decision", ["I cannot", UpstreamTimeout("too slow")])
async def test_without_a_decision_of_the_model_the_ranking_decides(decision: Any) -> None:
    talk = Talk(FIRST, decision)

    scene = await talk("提现到哪了")

    assert (scene.subcategory, scene.reasons) == (WITHDRAWAL.subcategory, ("ranked first",))
    assert len(talk.questions) == 1


async def test_what_is_certain_asks_no_model() -> None:
    talk = Talk(PERSON, "never")

    await talk("转人工")

    assert talk.questions == []


async def test_a_question_for_a_state_is_not_the_state() -> None:
    facts = '{"status":"processing"}'

    scene = await Talk()("WD12345678 已到账了吗", facts=facts)

    assert scene.slots == {"withdrawal_id": "WD12345678", "state": "processing"}
    assert scene.said == ("look",)
    assert "state" not in (await Talk()("WD12345678, has it been paid yet?")).slots


@pytest.mark.parametrize("ranked", [UNSURE, ELSEWHERE])
async def test_a_remark_beside_it_leaves_the_case_where_it_was(ranked: Ranked) -> None:
    talk = Talk()
    await talk("提现到哪了 WD20260312")
    aside = await talk("嗯", ranked)
    assert (aside.category, aside.slots) == ("", {"withdrawal_id": "WD20260312"})

    scene = await talk("已经三天了", ranked)

    assert (scene.move, scene.said) == ("hand_over", ("pass",))
    assert scene.slots == {"withdrawal_id": "WD20260312", "waited": "long"}


async def test_what_was_written_before_the_choice_is_what_it_is_about() -> None:
    talk = Talk(UNSURE)
    await talk("钱呢 WD20260312")

    scene = await talk("2")

    assert scene.slots == {"withdrawal_id": "WD20260312"}
    assert scene.said == ("look", "open", "ask_waited")


async def test_asking_again_which_one_is_meant_is_counted() -> None:
    talk = Talk(UNSURE)

    tries = [(await talk("钱呢")).tries for _ in range(3)]

    assert tries == [0, 1, 2]
    await talk("2")
    assert (await talk("嗯", UNSURE)).tries == 0


TWIN = structs.replace(REFUND, category="充值", subcategory=WITHDRAWAL.subcategory)
TWINS = Ranked([Candidate(TWIN, 0.4), Candidate(WITHDRAWAL, 0.39)], sure=False)


async def test_scenarios_of_one_name_are_chosen_by_their_category_too() -> None:
    talk = Talk(TWINS)
    talk.shelf.catalogue = catalogue(scenarios=(WITHDRAWAL, REFUND, TWIN))

    asked = await talk("钱呢")

    assert asked.related == (WITHDRAWAL.subcategory,) * 2
    assert asked.choices == (TWIN.key, WITHDRAWAL.key)
    assert (await talk("1")).category == TWIN.category


async def test_a_category_that_the_client_names_ends_what_is_outside_of_it() -> None:
    talk = Talk(FIRST, {"move": "answer", "choice": 1, "slots": []})
    await talk("提现到哪了")

    scene = await talk("WD20260312", Ranked([Candidate(REFUND, 0.9)]), category="退款")

    assert scene.category == "退款"
    assert talk.shelf.asked[-1][1] is None
    assert WITHDRAWAL.subcategory not in talk.questions[-1].split("Answer with")[0]


async def test_a_pinned_scenario_that_is_gone_is_refused() -> None:
    with pytest.raises(Unprocessable) as gone:
        await Talk()("查一下", scenario="an old one")

    assert gone.value.param == "subcategory"


async def test_a_chosen_scenario_that_is_gone_is_ranked_anew() -> None:
    talk = Talk(UNSURE)
    await talk("钱呢")
    talk.shelf.catalogue = catalogue(scenarios=(REFUND,))

    assert (await talk("2", Ranked([Candidate(REFUND, 0.9)]))).reasons == ("ranked first",)


async def test_what_was_cut_is_said_again() -> None:
    talk = Talk()
    await talk("提现到哪了 WD20260312")
    talk.said[-1] = structs.replace(talk.said[-1], incomplete=True)

    assert (await talk("提现到哪了")).said == ("look", "open", "ask_waited")
