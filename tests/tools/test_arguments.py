"""Arguments are looked at before a tool runs."""

from __future__ import annotations

from typing import Any

import pytest

from talkwire.tools.arguments import fault

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
    "required": ["city"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("arguments", [{"city": "Wien"}, {"city": "上海", "days": 3}])
def test_arguments_that_fit_have_no_fault(arguments: dict[str, Any]) -> None:
    assert fault(SCHEMA, arguments) is None


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({}, "'city' is a required property"),
        ({"city": 5}, "city: 5 is not of type 'string'"),
        ({"city": "a", "days": 0}, "days: 0 is less than the minimum"),
        ({"city": "a", "wrong": 1}, "'wrong' was unexpected"),
    ],
)
def test_a_fault_names_the_field_and_what_is_expected(
    arguments: dict[str, Any], named: str
) -> None:
    told = fault(SCHEMA, arguments)

    assert told is not None
    assert named in told


def test_faults_are_bounded() -> None:
    told = fault({"type": "object", "required": [f"f{n}" for n in range(100)]}, {})

    assert told is not None
    assert told.count(";") == 4


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": "object", "properties": {"a": {"$ref": "#/nowhere"}}},
        {"type": "object", "properties": {"a": {"$ref": "#/properties/a"}}},
        {"type": "object", "properties": {"a": {"pattern": "("}}},
    ],
)
def test_a_schema_that_cannot_be_applied_refuses_nothing(schema: dict[str, Any]) -> None:
    assert fault(schema, {"a": "x"}) is None
