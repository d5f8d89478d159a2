"""The Responses API: what is asked, and what its events mean."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.canon.deltas import CallPiece, Delta, Finish, Reasoning, Text
from talkwire.canon.errors import ModelError, UpstreamIncomplete
from talkwire.canon.tools import Tool
from talkwire.canon.turn import Call, FinishReason, Message, ModelRequest, TextPart, text_message
from talkwire.models._asked import CARRY_ON
from talkwire.models.openai_responses import ResponsesCodec, ResponsesReading
from tests.models.conftest import joined, told
from tests.upstream import frames
from tests.upstream.behaviour import behaviour, whole_text

HOW = behaviour("n6-think-tool")
BODY = frames.opening("responses", HOW) + b"".join(frames.tokens("responses", HOW))
BODY += frames.closing("responses", HOW)


def read(*chunks: bytes) -> list[Delta]:
    return told(ResponsesReading(), *chunks)


def event(kind: str, **fields: Any) -> bytes:
    document = json.dumps({"type": kind} | fields)
    return f"event: {kind}\ndata: {document}\n\n".encode()


END = event("response.completed", response={"status": "completed"})


@given(st.sets(st.integers(0, len(BODY)), max_size=60))
def test_any_split_says_the_same(at: set[int]) -> None:
    cuts = sorted(at)
    pieces = [BODY[a:b] for a, b in zip([0, *cuts], [*cuts, len(BODY)], strict=True)]

    assert joined(read(*pieces)) == read(BODY)


def test_one_read_is_one_text() -> None:
    assert [d for d in read(BODY) if isinstance(d, Text)] == [Text(whole_text(6))]


def test_a_body_cut_at_any_byte_never_finishes() -> None:
    for k in range(len(BODY) - 3):
        with pytest.raises(UpstreamIncomplete):
            read(BODY[:k])


def test_done_alone_ends_nothing() -> None:
    with pytest.raises(UpstreamIncomplete):
        read(event("response.output_text.delta", delta="a"), b"data: [DONE]\n\n")


@pytest.mark.parametrize(
    ("reason", "meant"), [("max_output_tokens", "length"), ("content_filter", "content_filter")]
)
def test_incomplete_tells_why(reason: str, meant: FinishReason) -> None:
    response = {"status": "incomplete", "incomplete_details": {"reason": reason}}

    assert read(event("response.incomplete", response=response)) == [Finish(meant)]


def test_whole_texts_and_arguments_count_where_no_delta_came() -> None:
    item = {"type": "function_call", "call_id": "c", "name": "f", "arguments": ""}

    said = read(
        event("response.output_text.done", text="all of it"),
        event("response.output_item.added", output_index=2, item=item),
        event("response.function_call_arguments.done", output_index=2, arguments="{}"),
        END,
    )

    assert said[:3] == [Text("all of it"), CallPiece(2, "c", "f"), CallPiece(2, arguments="{}")]


def test_reasoning_summaries_are_parted() -> None:
    body = [
        event("response.reasoning_summary_part.added", summary_index=0),
        event("response.reasoning_summary_text.delta", delta="one"),
        event("response.reasoning_summary_part.added", summary_index=1),
        event("response.reasoning_text.delta", delta="two"),
        END,
    ]

    assert read(b"".join(body))[0] == Reasoning("one\n\ntwo")


def test_a_refusal_is_text() -> None:
    assert read(event("response.refusal.delta", delta="No."), END)[0] == Text("No.")


def test_events_of_other_families_are_passed_over_whatever_their_shape() -> None:
    strange = [event("response.audio.delta", delta={"a": 1}), event("vendor.note", code=[1])]

    assert read(*strange * 5, event("response.output_text.delta", delta="x"), END)[0] == Text("x")


@pytest.mark.parametrize(
    "failure",
    [
        event("error", code="rate_limit_exceeded", message="for org-1"),
        event("error", error={"code": "rate_limit_exceeded", "message": "for org-1"}),
        event("response.failed", response={"error": {"code": "rate_limit_exceeded"}}),
    ],
)
def test_each_form_of_error_is_an_error(failure: bytes) -> None:
    with pytest.raises(
        ModelError, match=r"^The model reported an error \(rate_limit_exceeded\)"
    ) as raised:
        read(failure)

    assert raised.value.retryable


def test_a_history_with_calls_is_rendered() -> None:
    messages = (
        text_message("1", "user", "add"),
        Message("2", "assistant", (TextPart("ok"),), calls=(Call("c1", "add", "{}"),)),
        Message("3", "tool", (TextPart("2"),), call_id="c1"),
    )
    request = ModelRequest("m", messages, instructions="kind", max_output_tokens=9, temperature=1.0)

    body = json.loads(ResponsesCodec().body(request))

    assert (body["instructions"], body["store"], body["stream"]) == ("kind", False, True)
    assert (body["max_output_tokens"], body["temperature"]) == (9, 1.0)
    assert body["input"] == [
        {"role": "user", "content": "add"},
        {"role": "assistant", "content": "ok"},
        {"type": "function_call", "call_id": "c1", "name": "add", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "2"},
    ]


def test_a_half_answer_is_carried_on_by_an_instruction() -> None:
    body = json.loads(ResponsesCodec().body(ModelRequest("m", (), partial="Once")))

    half = {"role": "assistant", "content": "Once"}
    assert body["input"] == [half, {"role": "user", "content": CARRY_ON}]


def test_tools_are_described_as_this_api_describes_functions() -> None:
    schema = {"type": "object", "properties": {"q": {"type": "string"}}}
    request = ModelRequest("m", (), tools=(Tool("find", "Finds", schema),))

    (tool,) = json.loads(ResponsesCodec().body(request))["tools"]

    function = {"name": "find", "description": "Finds", "parameters": schema}
    assert tool == {"type": "function", **function}
    assert "tools" not in json.loads(ResponsesCodec().body(ModelRequest("m", ())))


def test_a_schema_is_asked_for_until_the_server_has_rejected_it() -> None:
    schema = {"type": "object", "properties": {}, "required": []}
    codec, request = ResponsesCodec(), ModelRequest("m", (), schema=schema)

    asked = json.loads(codec.body(request))["text"]["format"]

    assert asked == {"type": "json_schema", "name": "answer", "strict": True, "schema": schema}
    assert codec.learn("Invalid 'text.format': json_schema is not supported")
    assert "text" not in json.loads(codec.body(request))
    assert not codec.learn("Invalid 'text.format': json_schema is not supported")
