from __future__ import annotations

from typing import Any

import pytest

from talkwire.scenarios.catalogue import Scenario, Slot, Words
from talkwire.scenarios.entries import named, place_in, scenario_of, slot_of
from talkwire.scenarios.problems import Problems
from talkwire.scenarios.shapes import ScenarioShape, shaped

PLAIN = {"category": "c", "subcategory": "s", "description": "d"}
SHARED = Slot("case", Words("单号", "case"), pattern="[0-9]+")


def _scenario(given: dict[str, Any], problems: Problems) -> Scenario:
    shape = shaped(ScenarioShape, PLAIN | given, problems)
    assert shape is not None
    return scenario_of(shape, {"case": SHARED, "broken": None}, problems)


def test_a_slot_without_a_label_is_called_by_its_name() -> None:
    slot = slot_of("card_last4", {"pattern": "[0-9]{4}"}, Problems("a"))

    assert slot == Slot("card_last4", Words("card last4", "card last4"), pattern="[0-9]{4}")


def test_a_scenario_has_the_shared_slots_that_it_names_and_all_of_its_own() -> None:
    slots = {"kind": {"choices": {"x": ["X"]}}, "spare": {"pattern": "z"}}
    steps = [{"id": "a", "do": "answer", "text": "yes", "when": {"kind": ["x", "unknown"]}}]

    without = _scenario({"slots": slots, "steps": steps}, Problems("a"))
    within = _scenario(
        {"steps": [{"id": "a", "do": "ask", "slot": "case", "text": "?"}]}, Problems("a")
    )

    assert list(without.slots) == ["kind", "spare"]
    assert within.slots == {"case": SHARED}


def test_a_slot_of_its_own_stands_before_a_shared_one() -> None:
    scenario = _scenario({"slots": {"case": {"pattern": "C[0-9]+"}}}, Problems("a"))

    assert scenario.slots["case"].pattern == "C[0-9]+"


def test_a_broken_slot_is_not_told_again_where_it_is_named() -> None:
    problems = Problems("a")
    ask = {"id": "a", "do": "ask", "slot": "broken", "text": "?"}
    answer = {"id": "b", "do": "answer", "text": "{broken}", "when": {"broken": "x"}}

    _scenario({"steps": [ask, answer], "required_slots": ["broken"]}, problems)

    assert problems.error() is None


@pytest.mark.parametrize(
    ("subcategory", "title"),
    [
        ("1 提现状态查询 Flow", "提现状态查询"),
        ("12. Refund status Flow", "Refund status"),
        ("2.3、退货", "退货"),
        ("3D Secure", "3D Secure"),
        ("7", "7"),
        ("Flow", "Flow"),
        ("Cash flow", "Cash flow"),
        ("3 Flow", "Flow"),
    ],
)
def test_a_title_is_the_subcategory_without_number_and_flow(subcategory: str, title: str) -> None:
    scenario = _scenario({"subcategory": subcategory}, Problems("a"))

    assert scenario.title == Words(title, title)


def test_an_entry_is_named_as_far_as_it_can_be() -> None:
    assert named(0, PLAIN) == "scenarios[0] c › s"
    assert named(1, {"category": 3, "subcategory": "s"}) == "scenarios[1] s"
    assert named(2, None) == "scenarios[2]"


def test_a_place_in_a_step_has_its_id() -> None:
    entry = {"steps": [{"id": "late"}, 3]}

    assert place_in(entry, ("steps", 0, "text", "en")) == ("steps[0] late", "text.en")
    assert place_in(entry, ("steps", 1)) == ("steps[1]", "")
    assert place_in(entry, ("examples", 4)) == ("examples[4]",)
