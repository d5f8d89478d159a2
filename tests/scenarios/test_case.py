from __future__ import annotations

import pytest

from talkwire.canon.scenarios import Language, Scene
from talkwire.canon.turn import Message, TextPart, TurnRequest, text_message
from talkwire.scenarios.case import Case, is_question
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
    ],
)
def test_an_answer_is_in_the_language_of_its_question(
    text: str, before: Language | None, language: str
) -> None:
    said: list[Message | str] = ["x", answered(*REFUND.key, language=before)] if before else []

    assert case(*said, text).language == language


@pytest.mark.parametrize("text", ["多久", "那要怎么办呢", "why?", "is it safe", "手续费多少"])
def test_questions_are_known(text: str) -> None:
    assert is_question(text)


@pytest.mark.parametrize("text", ["WD1234", "三天", "over a week", "没有", "yesterday"])
def test_answers_are_no_questions(text: str) -> None:
    assert not is_question(text)
