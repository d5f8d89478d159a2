from __future__ import annotations

import pytest

from talkwire.scenarios.features import NAMES, Setting, rows
from talkwire.scenarios.retrieve import Index
from talkwire.scenarios.voices import Floats
from tests.scenarios.shop import shop

PERSON, OUT_OF_SCOPE = 4, 5


@pytest.fixture(scope="module")
def index() -> Index:
    return Index.of(shop())


def _rows(index: Index, text: str, setting: Setting | None = None) -> Floats:
    return rows(text, index.look(text), setting or Setting())


def _cell(made: Floats, row: int, name: str) -> float:
    return float(made[row, NAMES.index(name)])


def test_each_entry_has_a_row_of_all_features(index: Index) -> None:
    assert _rows(index, "提现到哪了").shape == (6, len(NAMES))
    assert len(set(NAMES)) == len(NAMES)


def test_a_conversation_shows_in_the_row_of_its_scenario_alone(index: Index) -> None:
    made = _rows(index, "那要多久呢", Setting(previous=1))

    assert [_cell(made, row, "previous") for row in range(6)] == [0, 1, 0, 0, 0, 0]
    assert _cell(made, 1, "previous_leans") == 1
    assert _cell(made, OUT_OF_SCOPE, "out_of_scope_followed") == 1


@pytest.mark.parametrize(
    ("text", "leans", "refers"),
    [
        ("那要多久呢", 1, 0),
        ("and how long", 1, 0),
        ("这个要钱吗", 0, 1),
        ("is it free", 0, 1),
        ("我忘记密码了", 0, 0),
        ("I forgot my password", 0, 0),
    ],
)
def test_what_leans_on_something_said_before_is_known(
    index: Index, text: str, leans: float, refers: float
) -> None:
    made = _rows(index, text, Setting(previous=0))

    assert _cell(made, 0, "previous_leans") == leans
    assert _cell(made, 0, "previous_refers") == refers


def test_the_asides_are_told_what_the_whole_text_is_like(index: Index) -> None:
    known = _rows(index, "forgot my password")
    unknown = _rows(index, "banana bread recipe")

    covered = "out_of_scope_covered"
    assert _cell(known, OUT_OF_SCOPE, covered) > _cell(unknown, OUT_OF_SCOPE, covered)
    assert _cell(_rows(index, "转人工"), PERSON, "person_asked") == 1
    assert _cell(known, PERSON, "person_asked") == 0


def test_only_what_is_looked_at_counts_as_what_a_text_is_like(index: Index) -> None:
    every = _rows(index, "forgot my password")
    within = _rows(index, "forgot my password", Setting(only=(0, 1)))

    covered = "out_of_scope_covered"
    assert _cell(within, OUT_OF_SCOPE, covered) < _cell(every, OUT_OF_SCOPE, covered)


def test_nothing_makes_rows_too(index: Index) -> None:
    assert _cell(_rows(index, ""), OUT_OF_SCOPE, "out_of_scope_short") == 1
