from __future__ import annotations

import numpy as np
import pytest

from talkwire.scenarios.cases import BARE, CHANGE, FOLLOW_UP, Case, cases, number_of
from talkwire.scenarios.features import NAMES
from talkwire.scenarios.labelled import Row
from talkwire.scenarios.retrieve import Index
from tests.scenarios.labels import row
from tests.scenarios.shop import LOGIN, shop


@pytest.fixture(scope="module")
def index() -> Index:
    return Index.of(shop())


def _of(index: Index, labelled: Row) -> list[Case]:
    made = list(cases(index, [labelled]))
    return made[: len(made) - 3 * len(BARE)]


def _previous(case: Case) -> list[int]:
    return np.flatnonzero(case.rows[:, NAMES.index("previous")]).tolist()


def test_a_text_is_learned_alone_and_after_something_else(index: Index) -> None:
    alone, after = _of(index, row(1, "登不上去", LOGIN.key))

    assert (alone.right, alone.weight, alone.natural) == (3, 1.0, True)
    assert (after.right, after.weight, after.natural) == (3, CHANGE, False)
    assert _previous(alone) == []
    assert _previous(after) != [3]
    assert alone.fold == after.fold


def test_a_follow_up_is_learned_after_the_text_before_it(index: Index) -> None:
    (case,) = _of(index, row(1, "那呢", LOGIN.key, "followup", previous="忘记密码了"))

    assert _previous(case) == [case.right] == [3]
    assert case.weight == FOLLOW_UP


@pytest.mark.parametrize(("kind", "right"), [("person", 4), ("out_of_scope", 5)])
def test_what_no_scenario_is_about_has_its_own_row(index: Index, kind: str, right: int) -> None:
    labelled = row(1, "x", kind="person" if kind == "person" else "out_of_scope")

    assert {case.right for case in _of(index, labelled)} == {right}


def test_bare_texts_stay_wherever_they_are_said(index: Index) -> None:
    made = list(cases(index, []))

    assert len(made) == 3 * len(BARE)
    assert all(_previous(case) == [case.right] for case in made)
    assert not any(case.natural for case in made)


def test_a_scenario_that_is_not_there_is_told(index: Index) -> None:
    with pytest.raises(ValueError, match="7: the catalogue has no a › b"):
        _of(index, row(7, "x", ("a", "b")))


def test_a_number_stands_for_a_text_and_a_purpose() -> None:
    assert number_of("a", "x") == number_of("a", "x")
    assert len({number_of("a", "x"), number_of("b", "x"), number_of("a", "y")}) == 3
