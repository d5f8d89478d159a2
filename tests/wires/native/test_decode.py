"""Requests and records of this wire. What is refused is in tests/wires/bad_input.py."""

from __future__ import annotations

import pytest

from talkwire.canon.errors import Conflict
from talkwire.canon.records import StoredMessage, TurnRecord, Usage
from talkwire.canon.turn import TextPart, TurnRequest, input_message_id, text_message
from talkwire.web.faults import Invalid
from talkwire.wires.native.decode import edit, from_body, regenerate, shown
from tests.cases.turns import TURN


def test_input_may_be_text_or_parts() -> None:
    text = from_body({"input": "Hi"}, session_id="s", most_chars=10)
    parts = from_body(
        {"input": [{"type": "text", "text": "H"}, {"type": "text", "text": "i"}]},
        session_id="s",
        most_chars=10,
    )

    assert text == TurnRequest(session_id="s", wire="native", parts=(TextPart("Hi"),))
    assert parts.parts == (TextPart("H"), TextPart("i"))


def test_every_field_has_its_place() -> None:
    fields = {
        "session_id": "a",
        "input": "Hi",
        "model": "m",
        "agent": "g",
        "scenario": "c",
        "prompt": "p@2",
        "prompt_variables": {"x": 1},
        "tools": ["t"],
        "voice": "anna",
        "voice_mode": "live",
        "temperature": 0.5,
        "max_output_tokens": 3,
        "parent_message_id": "msg_x",
        "on_busy": "reject",
        "on_disconnect": "abort",
    }

    assert from_body(fields, session_id="s", most_chars=10) == TurnRequest(
        session_id="a",
        wire="native",
        parts=(TextPart("Hi"),),
        parent_id="msg_x",
        model="m",
        agent="g",
        scenario="c",
        prompt="p@2",
        prompt_variables={"x": 1},
        tools=("t",),
        voice="anna",
        voice_mode="live",
        temperature=0.5,
        max_output_tokens=3,
        on_busy="reject",
        on_disconnect="abort",
    )


@pytest.mark.parametrize(
    ("given", "scenario", "prompt"),
    [
        ({}, None, None),
        ({"scenario": "auto"}, "", "support"),
        ({"scenario": "1 提现状态查询 Flow"}, "1 提现状态查询 Flow", "support"),
        ({"scenario": "auto", "prompt": "mine"}, "", "mine"),
    ],
)
def test_a_scenario_is_named_or_found_and_has_its_prompt(
    given: dict[str, str], scenario: str | None, prompt: str | None
) -> None:
    request = from_body({"input": "Hi", **given}, session_id="s", most_chars=10)

    assert (request.scenario, request.prompt) == (scenario, prompt)


@pytest.mark.parametrize(
    ("given", "field"), [(1, "input"), ([], "input.parts"), ([{"type": "x"}], "input.parts.0.type")]
)
def test_errors_speak_of_the_form_that_was_sent(given: object, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        from_body({"input": given}, session_id="s", most_chars=10)

    assert caught.value.errors[0].field == field


def test_all_parts_together_are_bounded() -> None:
    part = {"type": "text", "text": "123456"}

    with pytest.raises(Invalid):
        from_body({"input": [part, part]}, session_id="s", most_chars=10)


def test_regenerating_hangs_on_what_the_turn_was_asked() -> None:
    asked = TurnRequest(session_id="s", wire="responses-sse", parts=(TextPart("Hi"),), model="m")

    again = regenerate(TURN, asked)

    assert again == TurnRequest(
        session_id="s", wire="native", parent_id=input_message_id(TURN), model="m"
    )
    assert regenerate("t_second", again) == again


def stored(role: str, parent: str | None) -> StoredMessage:
    message = text_message("msg_1", "user" if role == "user" else "assistant", "Hi")
    return StoredMessage(message, "s", parent, TURN, 1)


@pytest.mark.parametrize(("parent", "placed"), [("msg_0", "msg_0"), (None, "")])
def test_an_edited_message_is_a_sibling_of_the_first(parent: str | None, placed: str) -> None:
    context = (text_message("", "user", "Hi"),)
    asked = TurnRequest(
        session_id="s", wire="responses-sse", model="m", voice="anna", context=context
    )

    edited = edit({"input": "Ho"}, edited=stored("user", parent), asked=asked, most_chars=10)

    assert (edited.parent_id, edited.text, edited.model) == (placed, "Ho", "m")
    assert edited.context == ()


def test_answers_cannot_be_edited() -> None:
    asked = TurnRequest(session_id="s", wire="native")

    with pytest.raises(Conflict):
        edit({"input": "Ho"}, edited=stored("assistant", None), asked=asked, most_chars=10)


def test_a_turn_is_shown_without_its_owner() -> None:
    record = TurnRecord(
        TURN, "s", "owner-7", "native", "failed", 1, model="m", usage=Usage(1, 2, cost=0.5)
    )

    plain = shown(record)

    assert "owner-7" not in str(plain)
    assert plain["error"] is None
    assert plain["route"]["model"] == "m"
    assert plain["events_url"] == f"/turns/{TURN}/events"
