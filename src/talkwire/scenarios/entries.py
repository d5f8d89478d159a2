"""Entries of a catalogue from their shapes, with all that they name looked up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from talkwire.scenarios.catalogue import Scenario, Slot, Step, Words
from talkwire.scenarios.flow import KNOWN, UNKNOWN
from talkwire.scenarios.patterns import unfit
from talkwire.scenarios.problems import Problems, shown
from talkwire.scenarios.reach import placeholders, silence, sure
from talkwire.scenarios.shapes import ScenarioShape, SlotShape, StepShape, shaped, stray

Slots = Mapping[str, Slot | None]
"""Slots by name; None is one that is broken, of which nothing more is to be told."""

_SLOT_NAME = re.compile(r"[a-z_][a-z0-9_]{0,63}")
_NUMBER = re.compile(r"\s*\d+(?:\.\d+)*(?:\s*[.、:：)）-]\s*|\s+)")
_FLOW = re.compile(r"\s+Flow\s*$")


def slot_of(name: str, given: object, problems: Problems) -> Slot | None:
    """A slot as it is defined; None after its problems were told."""
    before = problems.count
    if not _SLOT_NAME.fullmatch(name):
        problems.add("a slot's name must be small letters, digits and '_'")
    shape = shaped(SlotShape, given, problems)
    if shape is None:
        return None
    stray(shape, problems)
    if (shape.choices is None) == (shape.pattern is None):
        both = (
            "both 'choices' and 'pattern'" if shape.choices else "neither 'choices' nor 'pattern'"
        )
        problems.add(f"has {both}; a slot needs one of them")
    _check_choices(shape, problems)
    if shape.pattern is not None and (reason := unfit(shape.pattern)):
        problems.under("pattern").add(reason)
    if problems.count > before:
        return None
    plain = name.replace("_", " ").strip()
    return Slot(
        name=name,
        label=shape.label or Words(plain, plain),
        choices={value: tuple(words) for value, words in (shape.choices or {}).items()},
        pattern=shape.pattern or "",
        context=tuple(shape.context),
    )


def _check_choices(shape: SlotShape, problems: Problems) -> None:
    if shape.choices is None:
        return
    if not shape.choices:
        problems.under("choices").add("is empty")
    owners: dict[str, str] = {}
    for value, words in shape.choices.items():
        if not value.strip() or value in (KNOWN, UNKNOWN):
            problems.under("choices").add(f"a choice cannot be called {shown(value)}")
        for word in words:
            owner = owners.setdefault(word.casefold(), value)
            if owner != value:
                told = f"{shown(word)} stands for {shown(owner)} already"
                problems.under(f"choices.{value}").add(told)


def scenario_of(shape: ScenarioShape, shared: Slots, problems: Problems) -> Scenario:
    """An entry; it is of use only if no problem was told."""
    before = problems.count
    own: dict[str, Slot | None] = {
        name: slot_of(name, given, problems.under(f"slots.{name}"))
        for name, given in shape.slots.items()
    }
    known: Slots = {**shared, **own}
    steps = tuple(_step(each) for each in shape.steps)
    used: dict[str, None] = {}
    seen: set[str] = set()
    for index, (step, given) in enumerate(zip(steps, shape.steps, strict=True)):
        place = problems.under(f"steps[{index}] {step.id}")
        stray(given, place)
        if step.id in seen:
            place.add("another step has this id")
        seen.add(step.id)
        _check_step(step, known, place)
        _check_places(steps, index, set(shape.required_slots), known, place)
        used.update(dict.fromkeys([step.slot, *step.when, *placeholders(step)]))
    _check_required(shape, known, problems)
    used.update(dict.fromkeys([*shape.required_slots, *own]))
    scenario = Scenario(
        category=shape.category,
        subcategory=shape.subcategory,
        title=shape.title or _title(shape.subcategory),
        description=_one_line(shape.description),
        examples=tuple(shape.examples),
        steps=steps,
        slots={name: slot for name in used if (slot := known.get(name)) is not None},
        required_slots=tuple(dict.fromkeys(shape.required_slots)),
        related_subcategories=tuple(dict.fromkeys(shape.related_subcategories)),
        sop_references=tuple(dict.fromkeys(shape.sop_references)),
        extra=dict(shape.model_extra or {}),
    )
    whole = all(name in scenario.slots for name in used if name)
    if steps and whole and problems.count == before:
        _check_silence(scenario, problems)
    return scenario


def named(index: int, given: object) -> str:
    """How an entry is called in a problem: `scenarios[3] 取款/提现 › 1 提现状态查询 Flow`."""
    entry: dict[str, Any] = given if isinstance(given, dict) else {}
    names = [entry.get(key) for key in ("category", "subcategory")]
    told = " › ".join(
        name.strip()[:100] for name in names if isinstance(name, str) and name.strip()
    )
    return f"scenarios[{index}] {told}".strip()


def place_in(given: object, place: tuple[int | str, ...]) -> tuple[str, ...]:
    """A place in an entry, which names a step by its id too: `steps[2] late`, `text.en`."""
    keys = [f"[{key}]" if isinstance(key, int) else f".{key}" for key in place]
    if len(place) < 2 or place[0] != "steps" or not isinstance(place[1], int):
        return ("".join(keys).removeprefix("."),)
    step = given["steps"][place[1]] if isinstance(given, dict) else None
    name = step.get("id") if isinstance(step, dict) else None
    told = f" {name[:100]}" if isinstance(name, str) else ""
    return f"steps[{place[1]}]{told}", "".join(keys[2:]).removeprefix(".")


def _step(shape: StepShape) -> Step:
    return Step(
        id=shape.id,
        do=shape.do,
        text=shape.text,
        slot=shape.slot,
        when={name: tuple(values) for name, values in shape.when.items()},
        optional=shape.optional,
    )


def _check_step(step: Step, known: Slots, problems: Problems) -> None:
    if step.do == "ask" and not step.slot:
        problems.add("an 'ask' needs a 'slot' to ask for")
    elif step.slot and step.slot not in known:
        problems.under("slot").unknown(f"unknown slot {shown(step.slot)}", step.slot, known)
    if step.optional and step.do != "ask":
        problems.add("only an 'ask' can be optional")
    for name, values in step.when.items():
        place = problems.under(f"when.{name}")
        if name not in known:
            place.unknown(f"unknown slot {shown(name)}", name, known)
        elif (slot := known[name]) is not None:
            _check_values(slot, values, place)


def _check_values(slot: Slot, values: tuple[str, ...], problems: Problems) -> None:
    for value in values:
        if value in (KNOWN, UNKNOWN) or value in slot.choices:
            continue
        if slot.choices:
            problems.unknown(f"{shown(value)} is no choice of the slot", value, slot.choices)
        else:
            problems.add(f"{shown(value)}: the slot has a pattern and is only known or unknown")


def _check_places(
    steps: tuple[Step, ...], index: int, required: set[str], known: Slots, problems: Problems
) -> None:
    """What stands in braces is a slot, and one that has a value by then."""
    names = placeholders(steps[index])
    there = sure(steps, index, required) if names else set()
    for name in names:
        if name not in known:
            told = f"{{{name}}} is no slot"
            problems.under("text").unknown(told, name, known)
        elif name not in there:
            told = f"{{{name}}} may be unknown here: no earlier 'ask' waits for it"
            problems.under("text").add(f"{told}, and no 'when' says that it is known")


def _check_required(shape: ScenarioShape, known: Slots, problems: Problems) -> None:
    """A scenario without a flow may name what a person or a model is to ask for."""
    if not shape.steps:
        return
    asked = [each.slot for each in shape.steps if each.do == "ask" and not each.optional]
    for index, name in enumerate(shape.required_slots):
        place = problems.under(f"required_slots[{index}]")
        if name not in known:
            place.unknown(f"unknown slot {shown(name)}", name, known)
        elif name not in asked:
            place.add(f"no step asks for {shown(name)} and waits ('ask', not optional)")


def _check_silence(scenario: Scenario, problems: Problems) -> None:
    case = silence(scenario)
    if case is None:
        return
    known = ", ".join(f"{name}={value}" for name, value in case.items()) or "nothing"
    told = f"with {known} known, no 'answer' and no 'hand_over' holds"
    problems.under("steps").add(f'{told}; add one for it (for example when a slot is "unknown")')


def _title(subcategory: str) -> Words:
    number = _NUMBER.match(subcategory)
    title = _FLOW.sub("", subcategory[number.end() :] if number else subcategory) or subcategory
    return Words(title, title)


def _one_line(description: Words) -> str:
    if description.zh == description.en:
        return description.zh
    return f"{description.zh} / {description.en}"
