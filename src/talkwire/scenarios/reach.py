"""Where a flow may go: what is known at each of its steps, and whether it ever falls silent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set

from talkwire.scenarios.catalogue import Scenario, Step
from talkwire.scenarios.flow import UNKNOWN, step_of, walk

_MOST_STATES = 2_000
_PLACE = re.compile(r"\{(\w+)\}")
_SOMETHING = "…"
"""Stands for whatever a pattern found."""


def placeholders(step: Step) -> list[str]:
    """The names in braces in the texts of a step, in order, each once."""
    return list(dict.fromkeys(_PLACE.findall(f"{step.text.zh}\n{step.text.en}")))


def sure(steps: Sequence[Step], index: int, required: Set[str]) -> set[str]:
    """The slots that are known whenever this step is said: by its own `when`, or since an earlier
    step asked and waited, unless that one may have been passed over.
    """
    here = steps[index]
    known = {name for name, values in here.when.items() if UNKNOWN not in values}
    for earlier in steps[:index]:
        if earlier.do != "ask" or earlier.optional:
            continue
        if earlier.slot in required or _follows(here.when, earlier.when):
            known.add(earlier.slot)
    return known


def silence(scenario: Scenario) -> Mapping[str, str] | None:
    """What is known in a case to which the flow has nothing to say after all its questions were
    answered; None where it always answers or hands over. Gives up quietly on a flow with more
    than some thousand cases.
    """
    left: list[dict[str, str]] = [{}]
    for _ in range(_MOST_STATES):
        if not left:
            break
        known = left.pop()
        walked = walk(scenario, known, frozenset())
        waits = step_of(scenario, walked.waits) if walked.waits else None
        if waits is not None:
            left.extend({**known, waits.slot: value} for value in _values(scenario, waits.slot))
        elif not any(_speaks(scenario, name) for name in walked.said):
            return known
    return None


def _values(scenario: Scenario, name: str) -> Iterator[str]:
    slot = scenario.slots[name]
    yield from reversed(slot.choices or [_SOMETHING])  # the first one is looked at first


def _speaks(scenario: Scenario, name: str) -> bool:
    step = step_of(scenario, name)
    return step is not None and step.do in ("answer", "hand_over")


def _follows(
    condition: Mapping[str, tuple[str, ...]], from_it: Mapping[str, tuple[str, ...]]
) -> bool:
    """Whether all of the second holds wherever the first does."""
    return all(
        name in condition and set(condition[name]) <= set(values)
        for name, values in from_it.items()
    )
