"""Reads a catalogue and its procedures. All that is wrong is told at once, by entry."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

from talkwire.scenarios.asides import ASIDES, CLARIFY
from talkwire.scenarios.catalogue import Aside, Catalogue, Intent, Scenario, Slot
from talkwire.scenarios.entries import named, place_in, scenario_of, slot_of
from talkwire.scenarios.files import kind, object_of, text_of
from talkwire.scenarios.problems import CatalogueError, Problems, near, shown
from talkwire.scenarios.shapes import AsideShape, CatalogueShape, ScenarioShape, shaped
from talkwire.scenarios.sops import Folder, is_plain

MOST_BYTES = 16 * 1024 * 1024
MOST_SCENARIOS = 5_000
SOPS = "sops"

_VERSION = 1


class Attempt(Struct, frozen=True):
    """What came of reading a file: a catalogue, or the error that tells what is wrong. `sops` is
    the folder of its procedures, as far as the file could tell it.
    """

    sops: Path
    catalogue: Catalogue | None = None
    error: CatalogueError | None = None


def read(path: Path) -> Catalogue:
    """The catalogue of a file. Blocks. :raises CatalogueError: it cannot be used."""
    tried = attempt(path)
    if tried.catalogue is None:
        raise tried.error or CatalogueError([f"{path.name}: cannot be read"])
    return tried.catalogue


def attempt(path: Path) -> Attempt:
    """As `read`, but whatever is wrong with the file is a value. Blocks."""
    problems = Problems(path.name)
    text = text_of(path, MOST_BYTES, problems)
    tree = None if text is None else object_of(text, problems)
    if text is None or tree is None:
        return Attempt(path.parent / SOPS, error=problems.error())
    named_folder = tree.get("sops", SOPS)
    plain = isinstance(named_folder, str) and is_plain(named_folder)
    folder = path.parent / (named_folder if plain else SOPS)
    procedures = Folder(folder)
    catalogue = _Reading(tree, procedures, problems).catalogue()
    if error := problems.error():
        return Attempt(folder, error=error)
    digest = hashlib.sha256(text.encode() + procedures.digest()).hexdigest()
    return Attempt(folder, structs.replace(catalogue, version=digest[:16]))


class _Reading:
    """One tree of JSON on its way to a catalogue."""

    def __init__(self, tree: Mapping[str, Any], procedures: Folder, problems: Problems) -> None:
        self._tree = tree
        self._procedures = procedures
        self._problems = problems
        self._examples: dict[str, str] = {}
        self._slots: dict[str, Slot | None] = {}

    def catalogue(self) -> Catalogue:
        """The catalogue, without its version; of use only if no problem was told."""
        rest = {key: value for key, value in self._tree.items() if key != "scenarios"}
        top = shaped(CatalogueShape, rest, self._problems)
        if top is None:  # its slots may be good all the same, and are named everywhere
            slots = rest.get("slots")
            top = CatalogueShape.model_construct(slots=slots if isinstance(slots, dict) else {})
        if isinstance(top.version, int) and top.version != _VERSION:
            told = f"is {top.version}, and only {_VERSION} is known here"
            self._problems.under("version").add(told)
        if not is_plain(top.sops):
            self._problems.under("sops").add("is not the plain name of a folder beside the file")
        self._slots = {
            name: slot_of(name, given, self._problems.under(f"slots.{name}"))
            for name, given in top.slots.items()
        }
        entries = _entries(self._tree, self._problems)
        known = _subcategories(entries)
        scenarios = [self._scenario(index, given, known) for index, given in enumerate(entries)]
        asides = self._asides(top)
        return Catalogue(
            scenarios=tuple(each for each in scenarios if each is not None),
            passages=self._procedures.read,
            asides=asides,
            clarify=top.clarify or CLARIFY,
            version="",
        )

    def _scenario(
        self, index: int, given: object, known: Mapping[str, Mapping[str, int]]
    ) -> Scenario | None:
        name = named(index, given)
        place = self._problems.under(name)
        shape = shaped(ScenarioShape, given, place, partial(place_in, given))
        if shape is None:
            return None
        first = known.get(shape.subcategory, {}).get(shape.category, index)
        if first != index:
            place.add(f"scenarios[{first}] has the same category and subcategory")
        made = scenario_of(shape, self._slots, place)
        self._check_examples(made.examples, name, place)
        _check_related(shape, known, place)
        for number, file in enumerate(shape.sop_references):
            self._procedures.take(file, place.under(f"sop_references[{number}] {shown(file)}"))
        return made

    def _asides(self, top: CatalogueShape) -> dict[Intent, Aside]:
        made = dict(ASIDES)
        for name, given in top.asides.items():
            place = self._problems.under(f"asides.{name}")
            intent = next((each for each in ASIDES if each == name), None)
            if intent is None:
                place.unknown("is no aside", name, ASIDES)
                continue
            shape = shaped(AsideShape, given, place)
            if shape is None:
                continue
            usual = ASIDES[intent]
            examples = usual.examples if shape.examples is None else tuple(shape.examples)
            made[intent] = Aside(examples, shape.text or usual.text)
            self._check_examples(shape.examples or (), f"asides.{name}", place)
        return made

    def _check_examples(self, examples: Sequence[str], owner: str, problems: Problems) -> None:
        """No example twice, here or elsewhere: it could not tell two scenarios apart."""
        for index, example in enumerate(examples):
            folded = " ".join(unicodedata.normalize("NFKC", example).casefold().split())
            first = self._examples.setdefault(folded, f"{owner}: examples[{index}]")
            if first != f"{owner}: examples[{index}]":
                place = problems.under(f"examples[{index}] {shown(example)}")
                place.add(f"is the same as {first}")


def _entries(tree: Mapping[str, Any], problems: Problems) -> list[Any]:
    given = tree.get("scenarios")
    place = problems.under("scenarios")
    match given:
        case None:
            meant = near("scenarios", tree)
            place.add("is missing" + (f"; there is {shown(meant)}" if meant else ""))
        case list() if len(given) > MOST_SCENARIOS:
            place.add(f"has {len(given)} entries, and at most {MOST_SCENARIOS} can be held")
        case list() if given:
            return given
        case list():
            place.add("is empty")
        case _:
            place.add(f"expected a list, got {kind(given)}")
    return []


def _subcategories(entries: Sequence[object]) -> dict[str, dict[str, int]]:
    """The categories that have a subcategory of a name, each with the place of its first entry;
    also of entries with flaws, so that one flaw is not told as many.
    """
    found: dict[str, dict[str, int]] = {}
    for index, given in enumerate(entries):
        entry = given if isinstance(given, dict) else {}
        category, subcategory = entry.get("category"), entry.get("subcategory")
        if isinstance(category, str) and isinstance(subcategory, str):
            found.setdefault(subcategory.strip(), {}).setdefault(category.strip(), index)
    return found


def _check_related(
    shape: ScenarioShape, known: Mapping[str, Mapping[str, int]], problems: Problems
) -> None:
    """A related subcategory is one of the same category, or of one other category alone."""
    for index, name in enumerate(shape.related_subcategories):
        place = problems.under(f"related_subcategories[{index}]")
        categories = known.get(name, {})
        if not categories:
            place.unknown(f"{shown(name)} is no subcategory", name, known)
        elif shape.category not in categories and len(categories) > 1:
            told = ", ".join(list(categories)[:5])
            place.add(f"{shown(name)} is ambiguous: it is in {told}")
