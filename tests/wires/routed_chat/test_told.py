"""What is told of this wire's routes."""

from __future__ import annotations

from jsonschema import Draft202012Validator

from talkwire.wires.routed_chat.told import STREAM, WHOLE, models_answers, turn_answers


def test_errors_are_told_in_each_form_that_they_come_in() -> None:
    assert set(turn_answers(STREAM)[409]["content"]) == {"text/plain", "text/event-stream"}
    assert set(turn_answers(WHOLE)[409]["content"]) == {
        "application/json",
        "text/plain",
        "text/event-stream",
    }
    assert set(models_answers()[401]["content"]) == {"application/json"}


def test_the_example_of_an_error_is_what_the_wire_says() -> None:
    answers = turn_answers(WHOLE)
    told = answers[409]["content"]["application/json"]
    frame = turn_answers(STREAM)[409]["content"]["text/plain"]["example"]

    assert told["example"] == {
        "error": "The session is busy, or the key is taken.",
        "code": "turn_in_progress",
        "content": "",
        "session_id": "",
    }
    assert Draft202012Validator(told["schema"]).is_valid(told["example"])
    assert frame.startswith('data: {"error":')
    assert frame.endswith("\n\n")


def test_statuses_that_this_wires_clients_do_not_know_are_not_told() -> None:
    assert {422, 504}.isdisjoint(turn_answers(STREAM))
    assert {400, 404, 500, 502} <= set(turn_answers(STREAM))
