"""The figures of the sample on their page, between two marks; and the picture beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from talkwire.cli.scenarios import Refusal
from talkwire.cli.scenarios_figures import Section, sections
from talkwire.cli.words import WORDS, say

if TYPE_CHECKING:
    from talkwire.catalogues import Evaluation

PAGE = Path("docs") / "scenarios.md"
PICTURE = Path("docs") / "scenarios-reliability.png"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def page(path: Path = PAGE) -> tuple[str, str]:
    """What stands before and behind the figures. :raises Refusal: it is not there."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        text = ""
    before, begin, rest = text.partition(BEGIN)
    _, end, behind = rest.partition(END)
    if not begin or not end:
        raise Refusal(say("no_page", path=path, begin=BEGIN, end=END))
    return before, behind


def with_figures(around: tuple[str, str], figures: str) -> str:
    """The whole page."""
    before, behind = around
    return f"{before}{BEGIN}\n{figures}\n{END}{behind}"


def markdown(found: Evaluation, scenarios: int) -> str:
    """The figures in English, as they stand on the page."""
    parts = [f"![The confidence, and how often it was right]({PICTURE.name})"]
    for section in sections(found, scenarios, _english):
        parts += [f"### {section.title}", _table(section)]
        if section.note:
            parts.append(section.note)
    return "\n\n".join(parts)


def _english(key: str, **values: object) -> str:
    return WORDS[key][0].format(**values)


def _table(section: Section) -> str:
    marks = ["---" if n < section.texts else "--:" for n in range(len(section.headings))]
    return "\n".join(map(_line, (section.headings, marks, *section.rows)))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
