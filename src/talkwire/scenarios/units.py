"""The texts that a catalogue is searched by: which entry each speaks for, and how much."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from talkwire.scenarios.catalogue import Catalogue, Intent, Scenario

ASIDES: tuple[Intent, ...] = ("person", "out_of_scope")
"""Entries after the last scenario, in this order."""

Field = Literal["example", "title", "description", "procedure"]

# What a unit counts beside an example. A procedure has many, and speaks of its neighbours too.
WEIGHTS: dict[Field, float] = {"example": 1, "title": 1, "description": 1, "procedure": 0.4}


class Unit(Struct, frozen=True):
    """A text of an entry; entries count scenarios in their order, then `ASIDES`."""

    entry: int
    field: Field
    text: str


def units(catalogue: Catalogue) -> list[Unit]:
    """All units, by entry; each entry has one at least."""
    found: list[Unit] = []
    for entry, scenario in enumerate(catalogue.scenarios):
        found += (Unit(entry, field, text) for field, text in _of(scenario, catalogue))
    for entry, intent in enumerate(ASIDES, len(catalogue.scenarios)):
        aside = catalogue.asides.get(intent)
        examples = aside.examples if aside is not None else ()
        found += (Unit(entry, "example", text) for text in examples or ("",))
    return found


def _of(scenario: Scenario, catalogue: Catalogue) -> Iterator[tuple[Field, str]]:
    for example in scenario.examples:
        yield "example", example
    for title in dict.fromkeys((scenario.title.zh, scenario.title.en)):
        yield "title", title
    if scenario.description:
        yield "description", scenario.description
    # Its own procedure is the first one; the others are its neighbours'.
    for file in scenario.sop_references[:1]:
        for passage in catalogue.passages.get(file, ()):
            yield "procedure", f"{passage.heading}\n{passage.text}"
