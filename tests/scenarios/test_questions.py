from __future__ import annotations

import pytest

from talkwire.scenarios.questions import is_question


@pytest.mark.parametrize(
    "text",
    [
        "多久",
        "那要怎么办呢",
        "why?",
        "is it safe",
        "手续费多少",
        "到账了没",
        "has it been paid yet",
        "and will they pay",
        "Hello, is the money there",
    ],
)
def test_questions_are_known(text: str) -> None:
    assert is_question(text)


@pytest.mark.parametrize(
    "text",
    [
        "WD1234",
        "三天",
        "over a week",
        "没有",
        "yesterday",
        "it is paid",
        "the money is still there",
        "I do not have it",
        "we can wait",
    ],
)
def test_answers_are_no_questions(text: str) -> None:
    assert not is_question(text)
