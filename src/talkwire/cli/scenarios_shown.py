"""Catalogues and their scenarios, as they are printed.

A file that somebody else wrote is shown as it is, and steers no terminal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from talkwire.catalogues import Catalogue, Checked, Scenario, Slot, Step, Words
from talkwire.cli.client import plain
from talkwire.cli.words import say

_CHINESE = re.compile(r"[\u3400-\u9fff]")
_SHORT_CHARS = 120
_WORDS_SHOWN = 4
_LINES_SHOWN = 2
_MOST_WARNED = 50


def checked(found: Checked) -> None:
    """Print what is wrong with a catalogue, or what is in it and what is worth a look."""
    path = plain(str(found.path))
    if found.catalogue is None:
        print(say("catalogue_bad", path=path, count=found.count))
        for problem in found.problems:
            print(f"  {plain(problem)}")
        if found.count > len(found.problems):
            print("  " + say("catalogue_more", count=found.count - len(found.problems)))
        if found.path.is_file():
            print(say("catalogue_mend", path=path))
        return
    print(say("catalogue_good", path=path))
    table = Table(say("catalogue_found"), say("catalogue_count"))
    for name, count in _counts(found.catalogue):
        table.add_row(say(name), count)
    Console(highlight=False).print(table)
    warnings = [*_warnings(found.catalogue), *_unused(found)]
    if warnings:
        print(say("catalogue_warnings"))
        for warning in warnings[:_MOST_WARNED]:
            print(f"  {plain(warning)}")
        if len(warnings) > _MOST_WARNED:
            print("  " + say("catalogue_more", count=len(warnings) - _MOST_WARNED))


def table(scenarios: Sequence[Scenario], total: int) -> None:
    """Print the scenarios in their order."""
    listed = Table()
    for name in ("category", "subcategory", "title"):
        listed.add_column(_heading(name), overflow="fold")  # Chinese has no blanks to wrap at
    for name in ("utterances", "steps", "sops"):
        listed.add_column(_heading(name), justify="right", no_wrap=True)
    for each in scenarios:
        cells = (each.category, each.subcategory, _both(each.title))
        counts = (len(each.examples), len(each.steps), len(each.sop_references))
        listed.add_row(*map(_safe, cells), *map(str, counts))
    Console(highlight=False).print(listed)
    print(say("scenario_count", count=len(scenarios), total=total))


def entry(scenario: Scenario) -> dict[str, Any]:
    """A scenario for programs."""
    return {
        "category": scenario.category,
        "subcategory": scenario.subcategory,
        "title": {"zh": scenario.title.zh, "en": scenario.title.en},
        "description": scenario.description,
        "utterances": len(scenario.examples),
        "steps": len(scenario.steps),
        "required_slots": list(scenario.required_slots),
        "related_subcategories": list(scenario.related_subcategories),
        "sop_references": list(scenario.sop_references),
    }


def whole(scenario: Scenario, catalogue: Catalogue) -> None:
    """Print all of a scenario."""
    console = Console(highlight=False)
    console.print(f"[bold]{_safe(scenario.category)} › {_safe(scenario.subcategory)}[/]")
    console.print(_safe(_both(scenario.title)))
    _section(console, "description", [scenario.description])
    _section(console, "utterances", scenario.examples)
    console.print()
    console.print(_flow(scenario))
    if scenario.slots:
        console.print()
        console.print(f"[bold]{say('scenario_slots')}[/]")
        console.print(_slots(scenario))
    _section(console, "related", scenario.related_subcategories)
    _section(console, "sops", _sops(scenario, catalogue))
    extra = (f"{key}: {_json(value)}" for key, value in scenario.extra.items())
    _section(console, "extra", list(extra))


def _counts(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    scenarios = catalogue.scenarios
    utterances = [text for each in scenarios for text in each.examples]
    chinese = sum(map(_is_chinese, utterances))
    passages = [each for found in catalogue.passages.values() for each in found]
    chinese_passages = sum(each.language == "zh" for each in passages)
    yield "catalogue_categories", str(len({each.category for each in scenarios}))
    yield "catalogue_scenarios", str(len(scenarios))
    yield "catalogue_bilingual", str(sum(_is_bilingual(each) for each in scenarios))
    yield "catalogue_utterances", _of_languages(len(utterances), chinese)
    yield "catalogue_steps", str(sum(len(each.steps) for each in scenarios))
    yield "catalogue_slots", str(len({name for each in scenarios for name in each.slots}))
    yield "catalogue_sops", str(len(catalogue.passages))
    yield "catalogue_passages", _of_languages(len(passages), chinese_passages)


def _of_languages(count: int, chinese: int) -> str:
    return say("catalogue_of_languages", count=count, zh=chinese, en=count - chinese)


def _warnings(catalogue: Catalogue) -> Iterator[str]:
    """What works and could be better, by scenario."""
    for each in catalogue.scenarios:
        place = f"{each.category} › {each.subcategory}"
        told = []
        chinese = sum(map(_is_chinese, each.examples))
        if not each.examples:
            told.append(say("catalogue_no_utterances"))
        elif chinese in (0, len(each.examples)):
            missing = say("english" if chinese else "chinese")
            told.append(say("catalogue_few_utterances", language=missing))
        if not each.steps:
            told.append(say("catalogue_no_steps" if each.sop_references else "catalogue_nothing"))
        yield from (f"{place}: {warning}" for warning in told)


def _unused(found: Checked) -> Iterator[str]:
    for name in found.unused:
        yield f"{name}: {say('catalogue_unused')}"


def _is_chinese(text: str) -> bool:
    return _CHINESE.search(text) is not None


def _is_bilingual(scenario: Scenario) -> bool:
    """Whether all that is said in it is said in two languages."""
    return all(text.zh != text.en for text in (scenario.title, *(s.text for s in scenario.steps)))


def _section(console: Console, name: str, lines: Sequence[str]) -> None:
    if not lines:
        return
    console.print()
    console.print(f"[bold]{say(f'scenario_{name}')}[/]")
    for line in lines:
        console.print(f"  {_safe(line)}", soft_wrap=True)


def _flow(scenario: Scenario) -> Tree:
    """The steps in their order; those that follow each other under one condition are together."""
    tree = Tree(f"[bold]{say('scenario_flow')}[/]")
    branch, condition = tree, ""
    for number, step in enumerate(scenario.steps, 1):
        asked = _condition(step.when)
        if asked != condition:
            condition = asked
            told = escape(say("scenario_if", condition=plain(asked)))
            branch = tree.add(f"[yellow]{told}[/]") if asked else tree
        node = branch.add(f"{number} [bold]{_safe(step.id)}[/] · {_safe(_does(step))}")
        for text in dict.fromkeys((step.text.zh, step.text.en)):
            node.add(_safe(text), style="dim", guide_style="dim")
    if not scenario.steps:
        tree.add(say("scenario_none"))
    return tree


def _does(step: Step) -> str:
    name = f"scenario_{step.do}"
    if step.do == "ask" and step.optional:
        name = "scenario_ask_on"
    elif step.do == "check" and not step.slot:
        name = "scenario_check_alone"
    return say(name, slot=step.slot)


def _condition(when: Mapping[str, Sequence[str]]) -> str:
    return say("scenario_and").join(
        f"{name} = {say('scenario_or').join(values)}" for name, values in when.items()
    )


def _slots(scenario: Scenario) -> Table:
    found = Table(show_lines=True)
    for name in ("slot", "label", "values", "context", "required"):
        found.add_column(_heading(name), overflow="fold")
    for name, slot in scenario.slots.items():
        cells = (name, _both(slot.label), _values(slot), ", ".join(slot.context))
        mark = "✓" if name in scenario.required_slots else ""
        found.add_row(*map(_safe, cells), mark)
    return found


def _values(slot: Slot) -> str:
    if slot.pattern:
        return _short(f"/{slot.pattern}/")
    return "\n".join(
        f"{value}: {', '.join(words[:_WORDS_SHOWN])}{', …' if len(words) > _WORDS_SHOWN else ''}"
        for value, words in slot.choices.items()
    )


def _sops(scenario: Scenario, catalogue: Catalogue) -> list[str]:
    """Each file, and how it begins."""
    told = []
    for file in scenario.sop_references:
        passages = catalogue.passages.get(file, ())
        told.append(f"{file} ({say('scenario_passages', count=len(passages))})")
        for passage in passages[:1]:
            lines = [line for line in passage.text.splitlines() if line.strip()]
            told += [f"  {_short(line)}" for line in (passage.heading, *lines[:_LINES_SHOWN])]
    return told


def _heading(name: str) -> str:
    """In both languages, one below the other: a count needs no wide column."""
    return say(f"scenario_{name}").replace(" ", "\n", 1)


def _both(text: Words) -> str:
    return text.zh if text.zh == text.en else f"{text.zh} / {text.en}"


def _short(text: str) -> str:
    return text if len(text) <= _SHORT_CHARS else f"{text[:_SHORT_CHARS]}…"


def _json(value: object) -> str:
    return _short(json.dumps(value, ensure_ascii=False))


def _safe(text: str) -> str:
    return escape(plain(text))
