"""The desk with the catalogue that comes along: what it says to real questions, offline."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from talkwire.canon.errors import Unavailable, Unprocessable, UpstreamUnavailable
from talkwire.canon.scenarios import Scene
from talkwire.canon.turn import Message, TextPart, TurnRequest, text_message
from talkwire.scenarios.compose import passage_of
from talkwire.scenarios.desk import SAMPLE, Desk
from talkwire.scenarios.reading import read
from talkwire.scenarios.weighing import BY_HAND, written

CATALOGUE = read(SAMPLE)
LATE = ("取款/提现", "1 提现状态查询 Flow")


@pytest.fixture(scope="module")
def desk() -> Desk:
    """Open once: it is only asked from then on, by whatever loop."""
    made = Desk(None)
    asyncio.run(made.open())
    return made


class Talk:
    """A conversation with the desk, turn by turn, without a model."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.said: list[Message] = []

    async def __call__(self, text: str, **asked: Any) -> Scene:
        request = TurnRequest("s", "support", **{"scenario": "", **asked})
        self.desk.check(request)
        self.said.append(text_message("u", "user", text))
        scene = await self.desk.decide(request, self.said, None)
        words = self.desk.words(scene)
        self.said.append(Message("a", "assistant", (TextPart(words),), scene=scene))
        return scene

    @property
    def heard(self) -> str:
        """What the desk said last."""
        return self.said[-1].text


class TestTalks:
    async def test_a_withdrawal_keeps_its_scenario_and_slots_over_turns(self, desk: Desk) -> None:
        talk = Talk(desk)

        first = await talk("提现到哪了？")
        assert (first.category, first.subcategory, first.move) == (*LATE, "answer")
        assert "WD" in talk.heard
        second = await talk("WD20260312")

        assert (second.category, second.subcategory) == LATE
        assert second.slots["withdrawal_id"] == "WD20260312"
        assert "WD20260312" in talk.heard
        assert second.sop_references == ("withdrawal-status.md",)
        assert second.confidence > 0.5

    async def test_facts_answer_at_once(self, desk: Desk) -> None:
        talk = Talk(desk)

        scene = await talk("我的提现怎么还没到", facts='{"withdrawal_id":"WD7001","status":"paid"}')

        assert scene.slots == {"withdrawal_id": "WD7001", "withdrawal_state": "paid"}
        assert "打款成功" in talk.heard

    async def test_a_bare_number_is_answered_in_the_language_of_the_talk(self, desk: Desk) -> None:
        talk = Talk(desk)
        await talk("提现到哪了？WD20260312")

        scene = await talk("WD20260313")

        assert scene.language == "zh"
        assert "What is needed" not in talk.heard

    async def test_a_changed_topic_switches(self, desk: Desk) -> None:
        talk = Talk(desk)
        await talk("提现到哪了？")

        scene = await talk("算了，我想问一下怎么开发票")

        assert scene.category == "发票与账单"

    async def test_a_follow_up_stays_and_is_answered_from_the_procedure(self, desk: Desk) -> None:
        talk = Talk(desk)
        await talk("提现到哪了？")

        scene = await talk("那一般要多久呢？")

        assert (scene.category, scene.subcategory) == LATE
        assert scene.sop_references == ("withdrawal-status.md",)
        assert "小时" in talk.heard

    @pytest.mark.parametrize("text", ["转人工", "I want to talk to a human", "别再机器人了"])
    async def test_who_wants_a_person_is_passed_on(self, desk: Desk, text: str) -> None:
        talk = Talk(desk)
        await talk("提现到哪了？WD20260312")

        scene = await talk(text)

        assert (scene.move, scene.category) == ("hand_over", LATE[0])
        assert scene.slots["withdrawal_id"] == "WD20260312"

    @pytest.mark.parametrize("text", ["今天天气怎么样", "write me a poem about autumn leaves"])
    async def test_what_is_no_matter_of_the_desk_is_said_to_be_none(
        self, desk: Desk, text: str
    ) -> None:
        assert (await Talk(desk)(text)).move == "out_of_scope"

    async def test_an_answer_is_in_the_language_of_the_question(self, desk: Desk) -> None:
        talk = Talk(desk)

        scene = await talk("Where is my withdrawal? It has not arrived.")

        assert (scene.subcategory, scene.language) == (LATE[1], "en")
        assert talk.heard.isascii() or "’" in talk.heard or "›" in talk.heard

    @pytest.mark.parametrize("language", ["zh", "en"])
    @pytest.mark.parametrize("scenario", CATALOGUE.scenarios, ids=lambda each: each.subcategory)
    async def test_every_scenario_says_something_useful_and_names_real_files(
        self, desk: Desk, scenario: Any, language: str
    ) -> None:
        talk = Talk(desk)
        question = "怎么处理？要多久？" if language == "zh" else "How does this work, how long?"
        for text in (
            question,
            "WD20260312 SO20260312001",
            "然后呢？" if language == "zh" else "And?",
        ):
            scene = await talk(text, category=scenario.category, scenario=scenario.subcategory)

            assert (scene.category, scene.subcategory) == scenario.key
            assert len(talk.heard) > 10
            assert "{" not in talk.heard
            assert set(scene.sop_references) <= set(scenario.sop_references)
            assert all((SAMPLE.parent / "sops" / name).is_file() for name in scene.sop_references)
            assert all(passage_of(CATALOGUE, name) is not None for name in scene.passages)

    @given(
        texts=st.lists(
            st.sampled_from(
                [
                    "好的",
                    "订单 SO20260312001",
                    "三天了",
                    "什么意思？",
                    "ok",
                    "why?",
                    "1",
                    "转人工",
                    "",
                ]
            )
            | st.text(max_size=30),
            min_size=1,
            max_size=5,
        ),
        place=st.integers(0, len(CATALOGUE.scenarios) - 1),
    )
    @settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
    async def test_no_conversation_leads_to_a_file_that_is_not_there(
        self, desk: Desk, texts: Sequence[str], place: int
    ) -> None:
        scenario = CATALOGUE.scenarios[place]
        talk = Talk(desk)
        await talk(scenario.examples[0])
        for text in texts:
            scene = await talk(text)
            assert set(scene.sop_references) <= set(CATALOGUE.passages)
            assert talk.heard
            brief = desk.brief(scene, TurnRequest("s", "support"))
            assert bool(brief) is bool(scene.subcategory)


async def test_what_is_named_wrongly_is_told_with_the_nearest_names() -> None:
    desk = Desk(None)
    await desk.open()

    with pytest.raises(Unprocessable, match="提现状态查询") as wrong:
        desk.check(TurnRequest("s", "support", scenario="提现状态查询 Flow"))
    assert wrong.value.param == "subcategory"
    with pytest.raises(Unprocessable, match="取款/提现") as unknown:
        desk.check(TurnRequest("s", "support", scenario="", category="取款"))
    assert unknown.value.param == "category"
    with pytest.raises(Unprocessable, match="closest"):
        desk.check(TurnRequest("s", "support", scenario=LATE[1], category="支付"))


async def test_the_listing_is_the_catalogue_in_its_order() -> None:
    desk = Desk(None)
    await desk.open()
    listing = desk.listing()

    assert listing["total_categories"] == len(listing["categories"]) == 13
    first = listing["categories"]["取款/提现"][0]
    assert first["title"] == {"zh": "提现状态查询", "en": "Withdrawal status"}
    assert first["category_title"]["en"] == "Withdrawals"
    assert first["related_subcategories"][0] == "2 提现失败与退回 Flow"
    status = desk.status()
    assert len(status.pop("version")) >= 16
    assert status == {"loaded": True, "total": 45, "problem": None}


async def test_without_a_catalogue_it_says_so_and_heals(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.json"
    path.write_text("{", encoding="utf-8")
    desk = Desk(path, cache=tmp_path / "cache")
    await desk.open()

    with pytest.raises(Unavailable):
        desk.listing()
    with pytest.raises(Unavailable):
        desk.check(TurnRequest("s", "support", scenario=""))
    assert (desk.status()["loaded"], desk.status()["total"]) == (False, 0)
    assert "catalogue.json:1:" in desk.status()["problem"]

    shutil.copytree(SAMPLE.parent / "sops", tmp_path / "sops")
    path.write_text(SAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    await desk._library.look()
    status = desk.status()
    assert len(status.pop("version")) >= 16
    assert status == {"loaded": True, "total": 45, "problem": None}


async def test_unknown_keys_of_the_file_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.json"
    entry = {"category": "A", "subcategory": "1 B Flow", "description": "b", "team": "east"}
    path.write_text(json.dumps({"scenarios": [entry]}), encoding="utf-8")
    desk = Desk(path)
    await desk.open()

    assert desk.listing()["categories"]["A"][0]["team"] == "east"


async def test_a_third_voice_is_heard_where_it_answers() -> None:
    asked: list[int] = []
    away = False

    async def embed(texts: Sequence[str]) -> list[list[float]]:
        if away:
            raise UpstreamUnavailable("gone")
        asked.append(len(texts))
        return [[1.0, 0.0] if "提现" in text else [0.0, 1.0] for text in texts]

    desk = Desk(None, embed=embed)
    await desk.open()
    await desk._library.current.embed()
    first = await Talk(desk)("提现到哪了？")
    away = True
    second = await Talk(desk)("提现到哪了？")

    assert asked[0] > 500
    assert asked[1:] == [1]
    assert first.subcategory == second.subcategory == LATE[1]


async def test_examples_that_cannot_be_embedded_are_done_without_for_a_while() -> None:
    asked: list[int] = []

    async def embed(texts: Sequence[str]) -> list[list[float]]:
        asked.append(len(texts))
        raise UpstreamUnavailable("gone")

    desk = Desk(None, embed=embed)
    await desk.open()
    for _ in range(2):
        await desk._library.current.embed()
    scene = await Talk(desk)("提现到哪了？")

    assert len(asked) == 1
    assert scene.subcategory == LATE[1]


def test_what_searching_needs_is_loaded_by_the_first_question() -> None:
    code = (
        "import asyncio, sys; from talkwire.scenarios.desk import Desk; desk = Desk(None);"
        " asyncio.run(desk.open()); assert desk.status()['total'] == 45;"
        " print([name for name in ('numpy', 'bm25s', 'rjieba') if name in sys.modules])"
    )

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "[]"


async def test_weights_of_ones_own_are_heeded_and_bad_ones_done_without(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "weights.json"
    path.write_bytes(written(structs.replace(BY_HAND, columns={"likelihood_words": 0.001})))
    bad = tmp_path / "bad.json"
    bad.write_text("{", encoding="utf-8")
    confidences = []
    for each in (path, bad, None):
        desk = Desk(None, weights=each)
        await desk.open()
        confidences.append((await Talk(desk)("提现到哪了？")).confidence)

    assert confidences[0] < confidences[1] == confidences[2]
    assert "scenarios.weights_not_used" in caplog.text
