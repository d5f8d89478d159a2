from __future__ import annotations

import base64

import pytest

from talkwire.canon.errors import TalkwireError
from talkwire.canon.events import (
    AnyEvent,
    AudioCompleted,
    AudioDelta,
    AudioFailed,
    MessageCompleted,
    RouteChosen,
    Stamped,
    TextDelta,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
)
from talkwire.canon.turn import TextPart, TurnRequest, text_message
from talkwire.wires.agent_chat.shapes import SpokenShape
from talkwire.wires.agent_chat.spoken import Reply, transcript
from tests.cases.turns import SESSION, TURN

ASKED = TurnRequest(
    SESSION,
    "agent-chat",
    parts=(TextPart("what time is it"),),
    voice="nora",
    heard_ms=1_340,
    heard_language="en",
)
SAID: list[AnyEvent] = [
    TurnStarted(TURN, SESSION, "agent-chat", ASKED),
    RouteChosen("demo", "scripted"),
    TextDelta("Noon."),
    MessageCompleted(text_message("m", "assistant", "Noon.")),
]


def _given(*events: AnyEvent) -> dict[str, object]:
    reply = Reply()
    for n, event in enumerate(events):
        reply.apply(Stamped(n, 1_790_000_000_000 + n, event))
    told = reply.given()
    SpokenShape.model_validate(told)
    return told


def test_a_transcript_is_made_of_the_turn_alone() -> None:
    assert transcript(ASKED) == {
        "transcript": "what time is it",
        "language": "en",
        "duration_s": 1.34,
    }


def test_speech_is_one_file_however_it_was_cut() -> None:
    pieces = [b"abcdef", b"gh", b"ijk"]
    spoken = [AudioDelta("audio/mpeg", base64.b64encode(each).decode()) for each in pieces]

    told = _given(*SAID, *spoken, AudioCompleted("nora"), TurnCompleted("stop"))

    assert told["audio"] == {
        "mime": "audio/mpeg",
        "b64": base64.b64encode(b"abcdefghijk").decode(),
    }
    assert told["transcript"] == "what time is it"
    assert "audio_failed" not in told


def test_an_answer_without_speech_has_none() -> None:
    assert "audio" not in _given(*SAID, TurnCompleted("stop"))


def test_speech_that_failed_is_told_and_the_answer_stands() -> None:
    told = _given(*SAID, AudioFailed("nora", "speech_failed", "No."), TurnCompleted("stop"))

    assert told["audio_failed"] == {"code": "speech_failed", "message": "No."}


def test_a_turn_that_failed_is_an_error() -> None:
    with pytest.raises(TalkwireError) as caught:
        _given(*SAID[:2], TurnFailed("upstream_error", "No."))

    assert caught.value.status == 502
