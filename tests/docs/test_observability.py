"""Every figure is documented with its type, its labels and what it means."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.figures import figures

TEXT = (Path(__file__).parents[2] / "docs" / "observability.md").read_text("utf-8")
ROWS = {
    name: line.split("|")
    for line in TEXT.splitlines()
    if line.startswith(("| `talkwire_", "| `process_"))
    for name in re.findall(r"`([a-z_]+)`", line.split("|")[1])
}


@pytest.mark.parametrize("name", [name for name in figures() if name.startswith("talkwire_")])
def test_a_figure_is_documented_with_its_type_and_its_labels(name: str) -> None:
    kind, labels = figures()[name]
    _, _, told, meaning, _ = ROWS[name]

    assert re.findall(r"`([a-z]+)`", told) == list(labels)
    assert meaning.strip().startswith(f"{kind}: ")
    assert len(meaning.split()) > 3


def test_nothing_is_documented_that_is_not_told() -> None:
    assert set(ROWS) == set(figures())
