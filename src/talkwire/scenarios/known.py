"""What is known of a case, from all who know something of it."""

from __future__ import annotations

from talkwire.scenarios.case import Case
from talkwire.scenarios.catalogue import Scenario
from talkwire.scenarios.slots import accepted, from_facts, from_text


def known(case: Case, scenario: Scenario, read: dict[str, str], waited_for: str) -> dict[str, str]:
    """All that is known of a case; `read` is what a model found. What the customer writes counts
    before what was known; of how things stand, the client's own facts count before both.
    """
    heard = from_text(scenario, case.text, waited_for)
    choices = {name: value for name, value in heard.items() if scenario.slots[name].choices}
    slots = {**_kept(case, scenario), **_checked(scenario, read), **choices}
    return {
        **slots,
        **from_facts(scenario, case.facts),
        **{name: value for name, value in heard.items() if name not in choices},
    }


def _kept(case: Case, scenario: Scenario) -> dict[str, str]:
    """What is known already; of another scenario, what this one knows under the same name."""
    if case.before is None:
        return {}
    if case.current == scenario:
        return dict(case.before.slots)
    return _checked(scenario, case.before.slots)


def _checked(scenario: Scenario, given: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in given.items():
        slot = scenario.slots.get(name)
        taken = accepted(slot, value) if slot is not None else None
        if taken is not None:
            found[name] = taken
    return found
