"""`talkwire scenarios`: the catalogue that a server would answer from, checked and shown."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from talkwire.catalogues import Catalogue, Checked, Scenario, alike, check, configured
from talkwire.cli import scenarios_shown as shown
from talkwire.cli.client import plain
from talkwire.cli.serve import REFUSED, settings_of
from talkwire.cli.words import say
from talkwire.settings import language

FAILED = 1
_FILE = "catalogue.json"
_LINES_TOLD = 5


class Refusal(Exception):
    """Nothing can be done; the message is for the person, "" where it was told already."""


def check_file(path: Path | None, config: Path | None) -> int:
    """Print all that is wrong with a catalogue, or what is in it. The exit status: 1 for a bad
    one, 2 where there is none to look at.
    """
    try:
        found = check(where(path, config))
    except Refusal as refusal:
        return refused(refusal)
    return report(found)


def report(found: Checked) -> int:
    """Print what a look at a catalogue has found. The exit status."""
    shown.checked(found)
    return FAILED if found.catalogue is None else 0


def show_all(category: str | None, config: Path | None, *, as_json: bool) -> int:
    """Print the scenarios in the order of the file. The exit status."""
    try:
        catalogue = catalogue_of(config)
        chosen = _within(catalogue.scenarios, category)
    except Refusal as refusal:
        return refused(refusal)
    if as_json:
        print_json({"total": len(chosen), "scenarios": [shown.entry(each) for each in chosen]})
    else:
        shown.table(chosen, len(catalogue.scenarios))
    return 0


def show_one(name: str, category: str | None, config: Path | None) -> int:
    """Print all of one scenario. The exit status: 2 where there is none of this name."""
    try:
        catalogue = catalogue_of(config)
        scenario = _named(name, _within(catalogue.scenarios, category))
    except Refusal as refusal:
        return refused(refusal)
    shown.whole(scenario, catalogue)
    return 0


def where(path: Path | None, config: Path | None) -> Path:
    """The file of a catalogue: the one that was typed, in its folder too, else that of the
    configuration. :raises Refusal: the configuration cannot be used.
    """
    if path is not None:
        return path / _FILE if path.is_dir() else path
    loaded = settings_of(config, {})
    if loaded is None:
        raise Refusal
    return configured(loaded.settings)


def catalogue_of(config: Path | None) -> Catalogue:
    """The catalogue of the configuration, else the bundled one.

    :raises Refusal: it cannot be used.
    """
    return usable(where(None, config))


def usable(path: Path) -> Catalogue:
    """The catalogue of a file. :raises Refusal: it cannot be used."""
    found = check(path)
    if found.catalogue is None:
        lines = [f"  {plain(problem)}" for problem in found.problems[:_LINES_TOLD]]
        if found.count > len(lines):
            lines.append("  " + say("catalogue_more", count=found.count - len(lines)))
        told = say("catalogue_refused", path=path, problems="\n".join(lines))
        raise Refusal(told)
    return found.catalogue


def refused(refusal: Refusal) -> int:
    """Tell why nothing was done. The exit status."""
    if told := str(refusal):
        print(told, file=sys.stderr)
    return REFUSED


def print_json(value: Any) -> None:
    """For programs."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    print()


def _within(scenarios: Sequence[Scenario], category: str | None) -> Sequence[Scenario]:
    if category is None:
        return scenarios
    names = list(dict.fromkeys(each.category for each in scenarios))
    folded = category.strip().casefold()
    exact = [name for name in names if name.casefold() == folded]
    meant = exact or [name for name in names if folded and folded in name.casefold()]
    if len(meant) != 1:
        told = meant or alike(category, names) or names
        raise Refusal(say("no_category", name=plain(category), names=plain(", ".join(told))))
    return [each for each in scenarios if each.category == meant[0]]


def _named(name: str, scenarios: Sequence[Scenario]) -> Scenario:
    """The scenario that is called so, by its subcategory or by its title in either language."""
    asked = name.strip().casefold()
    for names_of in (_subcategory, _titles):
        found = [each for each in scenarios if asked in map(str.casefold, names_of(each))]
        if len(found) == 1:
            return found[0]
        if found:
            told = ", ".join(f"{each.category} › {each.subcategory}" for each in found)
            raise Refusal(say("many_scenarios", name=plain(name), names=plain(told)))
    known = {
        spelled: each for each in scenarios for spelled in (*_subcategory(each), *_titles(each))
    }
    near = dict.fromkeys(_called(known[spelled]) for spelled in alike(name, known))
    if not near:
        raise Refusal(say("no_scenario_near", name=plain(name)))
    raise Refusal(say("no_scenario", name=plain(name), names=plain(", ".join(near))))


def _called(scenario: Scenario) -> str:
    title = scenario.title.of(language())
    return (
        scenario.subcategory
        if title in scenario.subcategory
        else f"{scenario.subcategory} ({title})"
    )


def _subcategory(scenario: Scenario) -> Iterable[str]:
    return (scenario.subcategory,)


def _titles(scenario: Scenario) -> Iterable[str]:
    return dict.fromkeys((scenario.title.zh, scenario.title.en))
