"""What is told of `GET /usage` is what it takes."""

from __future__ import annotations

import re

import pytest

from talkwire.canon.errors import Unprocessable
from talkwire.web.principals import LOCAL
from talkwire.web.usage import asked_of
from talkwire.web.usage_told import ANSWERS, PARAMETERS

TOLD = {each["name"]: each for each in PARAMETERS["parameters"]}
NOW_S = 1_767_268_800.0


def is_told(name: str, value: str) -> bool:
    return re.search(TOLD[name]["schema"]["pattern"], value) is not None


def is_taken(name: str, value: str) -> bool:
    try:
        asked_of({"from": "2025-12-31", name: value}, LOCAL, NOW_S)
    except Unprocessable:
        return False
    return True


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("to", "2026-01-31"),
        ("to", "2026-01-31T23:59:59Z"),
        ("to", "2026-01-31T23:59:59.5+08:00"),
        ("by", "day"),
        ("by", "user,model,status"),
    ],
)
def test_what_is_told_is_taken(name: str, value: str) -> None:
    assert is_told(name, value)
    assert is_taken(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("to", "tomorrow"), ("to", "2026-13-01"), ("to", "1969-01-01"), ("by", "colour"), ("by", ",")],
)
def test_what_is_not_told_is_not_taken(name: str, value: str) -> None:
    assert not is_told(name, value)
    assert not is_taken(name, value)


def test_both_forms_of_the_answer_are_told() -> None:
    assert set(ANSWERS[200]["content"]) == {"application/json", "text/csv"}
