"""The page about routing says what the code does: weights, types and figures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec import structs

from talkwire.cli.route import BEGIN, END, figures
from talkwire.engine.weighing import Weights
from talkwire.routing import COLUMNS, LABELS, evaluate, read
from talkwire.settings import Settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "routing.md").read_text("utf-8")


@pytest.mark.parametrize(("name", "default"), list(structs.asdict(Weights()).items()))
def test_every_weight_is_told_with_its_default(name: str, default: float) -> None:
    (row,) = re.findall(rf"^\| `{name}` \| (\S+) \| (.+) \|$", PAGE, re.MULTILINE)

    assert float(row[0]) == default


def test_no_weight_is_told_that_is_none() -> None:
    table = PAGE.partition("## Every weight")[2].partition("\n## ")[0]

    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(structs.asdict(Weights()))


def test_the_figures_are_those_of_the_code_as_it_is() -> None:
    """When they differ: `talkwire route evaluate --write`."""
    rows = read(ROOT / "tests" / "engine" / "routing.csv")

    told = PAGE.partition(f"{BEGIN}\n")[2].partition(f"\n{END}")[0]

    assert told == figures(evaluate(Settings(), rows))


def test_the_table_s_columns_and_labels_are_told() -> None:
    assert all(f"`{name}`" in PAGE for name in (*COLUMNS, *LABELS))
