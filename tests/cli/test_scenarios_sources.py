"""Tables and listings as scenarios; `test_scenarios_import.py` tells what refuses them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from talkwire.cli.scenarios import Refusal
from talkwire.cli.scenarios_sources import scenarios_of


def test_a_cell_may_hold_commas_quotes_and_lines(tmp_path: Path) -> None:
    path = tmp_path / "t.CSV"
    path.write_text(
        "category,subcategory,description,examples\n"
        'A,B,"two\nlines, ""quoted""",one|two, three\n'.replace("one|two, three", '"one|two, 3"'),
        "utf-8",
    )

    entries, notes = scenarios_of(path)

    assert notes == []
    assert entries == [
        {
            "category": "A",
            "subcategory": "B",
            "description": 'two\nlines, "quoted"',
            "examples": ["one", "two, 3"],
        }
    ]


def test_the_line_that_is_told_is_the_one_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('category,subcategory,description\nA,B,"1\n2\n3"\n\nA,B,C,D\n', "utf-8")

    with pytest.raises(Refusal, match="line 6: has 4 cells"):
        scenarios_of(path)


def test_columns_may_be_called_as_in_a_catalogue(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(
        "description,sop_references,category,related_subcategories,subcategory\nD,s.md,A,X|Y,B\n"
    )

    (entry,) = scenarios_of(path)[0]

    assert entry["sop_references"] == ["s.md"]
    assert entry["related_subcategories"] == ["X", "Y"]


def test_entries_keep_the_category_that_they_say_themselves(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps({"categories": {"A": [{"category": "B", "subcategory": "C"}]}}))

    assert scenarios_of(path)[0] == [{"category": "B", "subcategory": "C"}]
