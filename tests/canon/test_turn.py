from __future__ import annotations

import msgspec
from hypothesis import given

from talkwire.canon.turn import Message, TextPart, TurnRequest, text_message
from tests.canon.strategies import requests


@given(requests)
def test_a_request_survives_its_json(request: TurnRequest) -> None:
    assert msgspec.json.decode(msgspec.json.encode(request), type=TurnRequest) == request


def test_what_a_request_does_not_say_takes_no_room() -> None:
    encoded = msgspec.json.encode(TurnRequest("s", "native"))

    assert encoded == b'{"session_id":"s","wire":"native"}'


def test_the_text_of_many_parts_is_joined() -> None:
    parts = (TextPart("a"), TextPart(""), TextPart("好"))

    assert TurnRequest("s", "native", parts).text == "a好"
    assert Message("m", "user", parts).text == "a好"


def test_a_text_message_has_one_part() -> None:
    assert text_message("m", "user", "hi") == Message("m", "user", (TextPart("hi"),))
