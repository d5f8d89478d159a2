from __future__ import annotations

import msgspec

from talkwire.canon.hearing import Heard, Recording, Spoken
from talkwire.canon.turn import TurnRequest


def test_a_language_that_nobody_can_tell_is_empty() -> None:
    assert Heard("hello") == Heard("hello", "")


def test_what_was_heard_is_kept_with_the_turn() -> None:
    asked = TurnRequest(session_id="s", wire="w", heard_ms=900, heard_language="en")

    assert msgspec.json.decode(msgspec.json.encode(asked), type=TurnRequest) == asked


def test_sound_and_what_was_spoken_are_values() -> None:
    assert Recording(b"", 5, True) == Recording(b"", 5, True)
    assert Spoken("hi", "en", 5).duration_ms == 5
