from __future__ import annotations

import pytest
from msgspec.structs import replace

from talkwire.scenarios.catalogue import Step, Words
from talkwire.scenarios.flow import Walk, holds, step_of, walk
from tests.scenarios.catalogues import REFUND, WITHDRAWAL

ID = {"withdrawal_id": "WD1234"}


@pytest.mark.parametrize(
    ("slots", "before", "expected"),
    [
        ({}, (), Walk(("ask_id",), "ask_id")),
        (ID, ("ask_id",), Walk(("look", "open", "ask_waited"), "ask_waited")),
        (ID, (), Walk(("look", "open", "ask_waited"), "ask_waited")),
        ({**ID, "state": "paid"}, (), Walk(("look", "done"))),
        ({**ID, "state": "processing"}, (), Walk(("look",))),
        ({**ID, "waited": "long"}, ("look", "open"), Walk(("pass",), handed_over=True)),
        ({**ID, "waited": "short"}, ("look", "open"), Walk(())),
    ],
)
def test_a_flow_goes_as_far_as_what_is_known(
    slots: dict[str, str], before: tuple[str, ...], expected: Walk
) -> None:
    assert walk(WITHDRAWAL, slots, frozenset(before)) == expected


def test_a_question_without_an_answer_is_asked_again() -> None:
    assert walk(WITHDRAWAL, {}, frozenset({"ask_id"})).said == ("ask_id",)


def test_what_need_not_be_known_is_asked_once_and_not_waited_for() -> None:
    assert walk(REFUND, {}, frozenset()) == Walk(("ask_order", "answer"))
    assert walk(REFUND, {}, frozenset({"ask_order", "answer"})) == Walk(())
    assert walk(REFUND, {"order_id": "SO1"}, frozenset()) == Walk(("answer",))


def test_conditions_are_of_values_or_of_knowing() -> None:
    step = step_of(WITHDRAWAL, "open")

    assert step is not None
    assert holds(step, {})
    assert not holds(step, {"state": "paid"})
    assert step_of(WITHDRAWAL, "gone") is None


def test_a_flow_that_has_passed_on_says_nothing_more() -> None:
    last = Step("bye", "answer", Words("再见。", "Bye."))
    scenario = replace(WITHDRAWAL, steps=(*WITHDRAWAL.steps, last))
    known = {**ID, "waited": "long"}

    first = walk(scenario, known, frozenset())
    again = walk(scenario, known, frozenset(first.said))

    assert first == Walk(("look", "open", "pass"), handed_over=True)
    assert again == Walk(())
