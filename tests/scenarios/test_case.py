from __future__ import annotations

import pytest

from talkwire.canon.scenarios import Language, Scene
from talkwire.canon.turn import Message, TextPart, TurnRequest, text_message
from talkwire.scenarios.case import Case
from tests.scenarios.catalogues import REFUND, WITHDRAWAL, catalogue


def answered(category: str, subcategory: str, *said: str, language: Language = "zh") -> Message:
    scene = Scene(category, subcategory, said=said, language=language)
    return Message("a", "assistant", (TextPart("…"),), scene=scene)


def case(*said: Message | str) -> Case:
    messages = [text_message("u", "user", each) if isinstance(each, str) else each for each in said]
    return Case.of(catalogue(), TurnRequest("s", "support", scenario=""), messages)


def test_a_case_is_about_the_last_message_and_stands_where_the_last_scene_was() -> None:
    found = case("提现到哪了", answered(*WITHDRAWAL.key, "ask_id"), "WD1234")

    assert (found.text, found.current) == ("WD1234", WITHDRAWAL)
    assert found.told(WITHDRAWAL) == {"ask_id"}
    assert found.told(REFUND) == frozenset()


def test_what_was_said_before_another_scenario_is_forgotten() -> None:
    found = case(
        "提现", answered(*WITHDRAWAL.key, "ask_id"), "退款", answered(*REFUND.key, "answer"), "提现"
    )

    assert found.told(WITHDRAWAL) == frozenset()
    assert found.told(REFUND) == {"answer"}


def test_a_scene_of_a_scenario_that_is_gone_is_no_place() -> None:
    assert case("a", answered("x", "y"), "b").current is None


@pytest.mark.parametrize(
    ("text", "before", "language"),
    [
        ("提现到哪了", None, "zh"),
        ("where is it", None, "en"),
        ("我的 withdrawal 呢", None, "zh"),
        ("WD1234", None, "en"),
        ("20260312", None, "zh"),
        ("WD1234", "zh", "zh"),
        ("20260312", "en", "en"),
        ("ok thanks", "zh", "en"),
        ("где мои деньги", None, "en"),
        ("где мои деньги", "zh", "en"),
        ("أين أموالي", "zh", "en"),
        ("내 돈 어디 있어요", "zh", "en"),
        ("お金はどこですか", "zh", "en"),
        ("我の钱呢", "en", "zh"),
    ],
)
def test_an_answer_is_in_the_language_of_its_question(
    text: str, before: Language | None, language: str
) -> None:
    said: list[Message | str] = ["x", answered(*REFUND.key, language=before)] if before else []

    assert case(*said, text).language == language


def in_words(text: str, language: Language) -> Case:
    asked = Scene(*WITHDRAWAL.key, step="ask_waited", language=language)
    return case("x", Message("a", "assistant", scene=asked), text)


def test_a_bare_value_that_was_asked_for_is_in_the_language_of_the_question() -> None:
    assert in_words("today", "zh").language == "zh"
    assert in_words("三天！", "en").language == "en"
    assert in_words("since today, I think", "zh").language == "en"


def test_remarks_beside_a_case_leave_it_where_it_stands() -> None:
    beside = Message("a", "assistant", scene=Scene(move="out_of_scope"))
    found = case("提现", answered(*WITHDRAWAL.key, "ask_id"), "天气", beside, "提现")

    assert found.current == WITHDRAWAL
    assert found.told(WITHDRAWAL) == {"ask_id"}
    assert found.before is not None
    assert found.before.move == "out_of_scope"
    assert found.within("退款") is None
    assert found.within(WITHDRAWAL.category) == WITHDRAWAL


def test_what_was_cut_counts_as_not_said_but_what_it_knew_is_kept() -> None:
    scene = Scene(*WITHDRAWAL.key, said=("look",), slots={"withdrawal_id": "WD1234"})
    cut = Message("a", "assistant", incomplete=True, scene=scene)
    found = case("提现", cut, "提现")

    assert found.told(WITHDRAWAL) == frozenset()
    assert found.before is not None
    assert found.before.slots == {"withdrawal_id": "WD1234"}


def test_what_was_unclear_is_the_message_before_the_question() -> None:
    unclear = Message("a", "assistant", scene=Scene(move="clarify"))

    assert case("钱呢", unclear, "2").unclear == "钱呢"
    assert case("钱呢", answered(*REFUND.key), "2").unclear == ""
