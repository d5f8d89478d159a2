"""What is told of this wire's routes."""

from __future__ import annotations

from jsonschema import Draft202012Validator

from talkwire.wires.tool_chat.told import DECISION, TOLD


def test_errors_are_told_with_this_wires_own_field() -> None:
    told = TOLD["/api/tools"]["responses"][401]["content"]["application/problem+json"]

    assert told["example"]["error"] == told["example"]["detail"]
    assert "error" in told["schema"]["required"]
    assert Draft202012Validator(told["schema"]).is_valid(told["example"])


def test_routes_that_start_turns_take_a_key_that_names_them() -> None:
    names = {each["name"] for each in TOLD[DECISION]["openapi_extra"]["parameters"]}

    assert names == {"tool_call_id", "Idempotency-Key", "Last-Event-ID"}
