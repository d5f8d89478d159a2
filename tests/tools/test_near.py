from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.tools.near import near, unknown

KNOWN = ["clock", "calculator", "git.log", "shop.log", "web.fetch"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("clok", ["clock"]),
        ("CLOCK", ["clock"]),
        ("log", ["git.log", "shop.log"]),
        ("git.logs", ["git.log"]),
        ("local.clock", ["clock"]),
        ("zzz", []),
    ],
)
def test_near_names_are_found(asked: str, found: list[str]) -> None:
    assert near(asked, KNOWN)[: len(found) or 1] == found


def test_without_a_near_name_those_that_are_there_are_told() -> None:
    assert unknown("zzz", ["b", "a"]).result == "There is no tool 'zzz'. There are: a, b."
    assert unknown("zzz", []).result == "There is no tool 'zzz'. There are: none."
    assert unknown("?", map(str, range(100, 130))).result.endswith("119 and 10 more.")


@given(st.text(max_size=5000))
def test_any_name_gets_a_short_answer(name: str) -> None:
    answer = unknown(name, KNOWN)

    assert answer.is_error
    assert len(answer.result) < 2000
