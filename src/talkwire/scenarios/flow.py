"""Walks the flow of a scenario: which steps are said now, and which one waits for the customer.

Pure: what was said before and what is known come in, and what comes out is all there is to keep.
"""

from __future__ import annotations

from collections.abc import Mapping, Set

from msgspec import Struct

from talkwire.scenarios.catalogue import Scenario, Step

KNOWN, UNKNOWN = "known", "unknown"


class Walk(Struct, frozen=True):
    """`said` are the steps to say now, in order; `waits` is the one that asks and waits, `""` none.
    `handed_over`: the last one passes to a person.
    """

    said: tuple[str, ...]
    waits: str = ""
    handed_over: bool = False


def walk(scenario: Scenario, slots: Mapping[str, str], before: Set[str]) -> Walk:
    """Go through the flow from its top. What was said `before` is not said again, but for a
    question whose answer has not come; nothing comes behind a step that passes on.
    """
    said: list[str] = []
    for step in scenario.steps:
        if not holds(step, slots):
            continue
        if step.do == "ask":
            if step.slot in slots or (step.optional and step.id in before):
                continue
            said.append(step.id)
            if not step.optional:
                return Walk(tuple(said), step.id)
        elif step.id not in before:
            said.append(step.id)
            if step.do == "hand_over":
                return Walk(tuple(said), handed_over=True)
        elif step.do == "hand_over":  # it ended here, and a person has it
            return Walk(tuple(said))
    return Walk(tuple(said))


def holds(step: Step, slots: Mapping[str, str]) -> bool:
    """Whether all that the step asks for is so."""
    return all(_is_one_of(slots.get(name), values) for name, values in step.when.items())


def _is_one_of(value: str | None, wanted: tuple[str, ...]) -> bool:
    if value is None:
        return UNKNOWN in wanted
    return KNOWN in wanted or value in wanted


def step_of(scenario: Scenario, step_id: str) -> Step | None:
    """The step of this name; None where an edit of the catalogue has taken it away."""
    return next((step for step in scenario.steps if step.id == step_id), None)
