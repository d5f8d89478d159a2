"""What is said of scenarios: all of it somewhere, and nothing in the place of anything else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from talkwire.canon.scenarios import Move
from talkwire.cli import words, words_scenarios
from talkwire.scenarios.catalogue import Do

FOLDER = Path(words.__file__).parent
CODE = "\n".join(path.read_text("utf-8") for path in FOLDER.glob("scenarios*.py"))
PREFIXES = ("scenario_", "figure_", "try_")
"""Of words that are named by their ends."""


@pytest.mark.parametrize("key", words_scenarios.WORDS)
def test_every_sentence_is_said_by_a_command(key: str) -> None:
    ends = [key.removeprefix(prefix) for prefix in PREFIXES if key.startswith(prefix)]
    if {*ends} & {*get_args(Do), *get_args(Move)}:
        return

    assert any(re.search(rf"""["']{re.escape(name)}["']""", CODE) for name in (key, *ends))


def test_no_sentence_takes_the_place_of_another() -> None:
    source = (FOLDER / "words.py").read_text("utf-8")

    assert [key for key in words_scenarios.WORDS if f'\n    "{key}": (' in source] == []
    assert words_scenarios.WORDS.items() <= words.WORDS.items()
