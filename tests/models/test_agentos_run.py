"""A run on an AgentOS: its question and its stream."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from talkwire.canon.agents import AgentCard
from talkwire.canon.deltas import AgentBegins, AgentEnds, Delta, Finish, Text
from talkwire.canon.errors import UpstreamIncomplete
from talkwire.canon.tools import CallContext
from talkwire.canon.turn import Message, ModelRequest, text_message
from talkwire.models._agentos_run import RunCodec, RunReading, question
from talkwire.models._sse import Decoder

CARD = AgentCard("far/away", "Far", kind="remote")


def stream(*events: tuple[str, dict[str, Any]]) -> bytes:
    return b"".join(
        f"event: {name}\ndata: {json.dumps(data)}\n\n".encode() for name, data in events
    )


WHOLE = stream(
    ("RunStarted", {"run_id": "r", "agent_id": "far"}),
    ("RunContent", {"run_id": "r", "content": "Grüß"}),
    ("RunContent", {"run_id": "r", "content": " Gott"}),
    ("RunCompleted", {"run_id": "r", "content": "Grüß Gott"}),
)


def read(data: bytes, size: int) -> tuple[RunReading, list[Delta]]:
    decoder, reading, told = Decoder(), RunReading(CARD), list[Delta]()
    for start in range(0, len(data), size):
        told += reading.take(decoder.feed(data[start : start + size]))
    return reading, told + reading.take(decoder.end())


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_stream_is_read_wherever_it_is_cut(size: int) -> None:
    reading, told = read(WHOLE, size)

    assert told == [
        AgentBegins("far/away", "Far"),
        Text("Grüß"),
        Text(" Gott"),
        AgentEnds("far/away", "Far"),
    ]
    assert reading.done
    assert reading.end() == [Finish("stop")]


@pytest.mark.parametrize("end", [0, 1, 2, 3])
def test_a_stream_without_its_end_is_incomplete(end: int) -> None:
    frames = WHOLE.split(b"\n\n")[:end]
    reading, _ = read(b"".join(frame + b"\n\n" for frame in frames), 10_000)

    assert not reading.done
    with pytest.raises(UpstreamIncomplete):
        reading.end()


def test_rubbish_fails_and_what_is_no_object_is_passed_over() -> None:
    reading, told = read(b"data: [1]\n\ndata: 7\n\ndata: [DONE]\n\n" + WHOLE, 10_000)
    assert len(told) == 4
    assert reading.error is None

    reading, _ = read(b"data: {not json\n\n" * 3, 10_000)
    assert reading.error is not None
    assert reading.error.code == "upstream_invalid"


def test_an_error_there_is_one_here() -> None:
    data = stream(("RunStarted", {"run_id": "r"}), ("RunError", {"run_id": "r", "content": "x"}))

    reading, told = read(data, 10_000)

    assert len(told) == 2
    assert reading.error is not None
    assert reading.error.code == "upstream_unavailable"


def test_the_question_is_a_form_that_names_who_asks() -> None:
    who = CallContext("alice", "s_1", "t_1", "")
    request = ModelRequest("", (text_message("", "user", "Grüß & Co"),), asked_for=who)
    codec = RunCodec(CARD, team=False)

    assert codec.path == "/agents/far%2Faway/runs"
    assert RunCodec(CARD, team=True).path == "/teams/far%2Faway/runs"
    assert parse_qs(codec.body(request).decode()) == {
        "message": ["Grüß & Co"],
        "stream": ["true"],
        "session_id": ["t_1"],
        "user_id": ["alice"],
    }
    assert not codec.learn("whatever")


def test_what_was_said_before_goes_along() -> None:
    messages = (
        text_message("", "user", "Hi"),
        Message("", "tool", text_message("", "tool", "42").parts, call_id="c"),
        text_message("", "assistant", "Hello."),
        text_message("", "assistant", " "),
        text_message("", "user", "And?"),
    )

    assert question(ModelRequest("", messages, "Be kind.")) == (
        "Be kind.\n\nThe conversation so far:\n\nUser: Hi\n\nAssistant: Hello.\n\n"
        "The user says now:\n\nAnd?"
    )
    assert question(ModelRequest("", messages[:1])) == "Hi"
    assert question(ModelRequest("", ())) == ""
