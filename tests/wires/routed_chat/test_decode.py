"""Requests of this wire. What is refused over HTTP is in `bad_requests.py`."""

from __future__ import annotations

from typing import Any

import pytest

from talkwire.canon.turn import TextPart, TurnRequest
from talkwire.web.faults import Invalid
from talkwire.wires.routed_chat.decode import from_body
from talkwire.wires.routed_chat.shapes import INPUT_CHARS, ChatBody
from tests.wires.routed_chat.bad_requests import FIELDS

NEW = "s_new"


def turn(most_chars: int = INPUT_CHARS, **given: Any) -> TurnRequest:
    return from_body({"message": "Hi", **given}, session_id=NEW, most_chars=most_chars)


def test_a_message_alone_has_the_frozen_defaults() -> None:
    assert turn(unknown=1, user="ann") == TurnRequest(
        session_id=NEW,
        wire="routed-chat",
        parts=(TextPart("Hi"),),
        model=None,
        model_type="auto",
        temperature=0.7,
        max_output_tokens=1024,
    )


def test_every_field_has_its_place() -> None:
    asked = turn(
        session_id="s.1",
        max_tokens=5,
        temperature=0,
        model_type="cloud_large",
        preferred_model="gpt-5",
        stream=True,
    )

    assert asked == TurnRequest(
        session_id="s.1",
        wire="routed-chat",
        parts=(TextPart("Hi"),),
        model="gpt-5",
        model_type="cloud_large",
        temperature=0,
        max_output_tokens=5,
    )


def test_what_is_null_counts_as_absent() -> None:
    nothing: dict[str, Any] = dict.fromkeys(set(ChatBody.model_fields) - {"message"})

    assert turn(**nothing) == turn()


def test_a_turn_of_this_wire_is_always_routed_when_it_runs() -> None:
    assert turn().routes_late
    assert turn(preferred_model="gpt-5").routes_late


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, bad in FIELDS.items() for value in bad]
)
def test_what_is_wrong_is_told_by_its_field(field: str, value: Any) -> None:
    with pytest.raises(Invalid) as raised:
        turn(**{field: value})

    assert raised.value.param == field


@pytest.mark.parametrize(("given", "most"), [("x" * 11, 10), ("", 10), ("é" * 6, 5)])
def test_a_message_is_bounded(given: str, most: int) -> None:
    with pytest.raises(Invalid) as raised:
        turn(most, message=given)

    assert raised.value.param == "message"
