"""Chat Completions: what is asked, and what the many imitators say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.canon.deltas import CallPiece, Delta, Finish, Reasoning, Text, Tokens
from talkwire.canon.errors import ModelError, UpstreamIncomplete, UpstreamInvalid
from talkwire.canon.tools import Tool
from talkwire.canon.turn import Call, FinishReason, Message, ModelRequest, TextPart, text_message
from talkwire.models._asked import CARRY_ON
from talkwire.models.openai_chat import ChatCodec, ChatReading
from tests.models.conftest import joined, told
from tests.upstream import frames
from tests.upstream.behaviour import behaviour, whole_text

HOW = behaviour("n6-think-tool")
BODY = frames.opening("chat", HOW) + b"".join(frames.tokens("chat", HOW))
BODY += frames.closing("chat", HOW)


def read(*chunks: bytes) -> list[Delta]:
    return told(ChatReading(), *chunks)


def chunk(**delta: Any) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta}]}).encode() + b"\n\n"


def tools(*calls: dict[str, Any]) -> bytes:
    return chunk(tool_calls=list(calls))


@given(st.sets(st.integers(0, len(BODY)), max_size=60))
def test_any_split_says_the_same(at: set[int]) -> None:
    cuts = sorted(at)
    pieces = [BODY[a:b] for a, b in zip([0, *cuts], [*cuts, len(BODY)], strict=True)]

    assert joined(read(*pieces)) == read(BODY)


def test_one_read_is_one_text() -> None:
    assert [d for d in read(BODY) if isinstance(d, Text)] == [Text(whole_text(6))]


def test_a_body_cut_at_any_byte_never_finishes_before_it_said_so() -> None:
    told = BODY.index(b'"finish_reason": "stop"')
    for k in range(len(BODY)):
        if k <= told:
            with pytest.raises(UpstreamIncomplete):
                read(BODY[:k])


DONE = b"data: [DONE]\n\n"
ADD = {"name": "add", "arguments": ""}


ARGS = {"arguments": "{}"}
A, B = {"id": "a", "function": ADD}, {"id": "b", "function": ADD}


@pytest.mark.parametrize(
    ("pieces", "slots"),
    [
        ([{"index": 0} | A, {"index": 1} | B], [0, 1]),
        ([{"index": 0} | A, {"index": 0} | B], [0, 1]),
        ([A, B], [0, 1]),
        ([A, {"function": ARGS}], [0, 0]),
        ([A, {"id": "a", "function": ARGS}], [0, 0]),
        ([{"index": 0} | A, {"index": 0, "function": ARGS}], [0, 0]),
        ([{"function": ADD}, {"function": ADD}], [0, 1]),
    ],
)
def test_calls_are_told_apart_whatever_index_they_have(
    pieces: list[dict[str, Any]], slots: list[int]
) -> None:
    said = read(*(tools(piece) for piece in pieces), DONE)

    assert [d.index for d in said if isinstance(d, CallPiece)] == slots


def test_a_repeated_id_and_name_are_told_once() -> None:
    call = {"index": 0, "id": "a", "function": {"name": "add", "arguments": "1"}}

    said = read(tools(call), tools(call), DONE)

    assert said[:2] == [CallPiece(0, "a", "add", "1"), CallPiece(0, "", "", "1")]


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_has_two_names(field: str) -> None:
    assert read(chunk(**{field: "hm"}), DONE)[0] == Reasoning("hm")


def test_content_may_be_a_list_of_parts() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}

    said = read(chunk(content=[thinking, {"type": "text", "text": "yes"}]), DONE)

    assert said[:2] == [Reasoning("hm"), Text("yes")]


def test_a_refusal_is_text() -> None:
    assert read(chunk(refusal="I cannot"), DONE)[0] == Text("I cannot")


@pytest.mark.parametrize(
    ("told", "meant"),
    [("stop", "stop"), ("length", "length"), ("content_filter", "content_filter"),
     ("tool_calls", "stop"), ("function_call", "stop"), ("eos", "stop")],
)  # fmt: skip
def test_finish_reasons_are_mapped(told: str, meant: FinishReason) -> None:
    body = json.dumps({"choices": [{"delta": {}, "finish_reason": told}]}).encode()

    assert read(b"data: " + body + b"\n\n")[-1] == Finish(meant)


def test_lone_surrogates_and_broken_utf8_become_replacement_characters() -> None:
    body = rb'data: {"choices":[{"delta":{"content":"a\ud800b"}}]}' + b"\n\n"
    bad = b'data: {"choices":[{"delta":{"content":"\xff"}}]}\n\n'

    assert read(body, bad, DONE)[:2] == [Text("a\ufffdb"), Text("\ufffd")]


def test_two_broken_frames_are_skipped_and_three_are_not() -> None:
    broken = b"data: {oops\n\n"

    assert read(broken, broken, chunk(content="ok"), DONE)[0] == Text("ok")
    with pytest.raises(UpstreamInvalid):
        read(broken, broken, broken, DONE)


def test_empty_data_is_a_heartbeat() -> None:
    assert read(*[b"data:\n\n"] * 5, chunk(content="ok"), DONE)[0] == Text("ok")


@pytest.mark.parametrize(
    "error", ['{"message":"sk-secret-123","code":"overloaded"}', '"boom"', "{}"]
)
def test_an_error_frame_is_an_error_without_its_text(error: str) -> None:
    with pytest.raises(ModelError) as raised:
        read(b'data: {"error":' + error.encode() + b"}\n\n")

    assert raised.value.code == "upstream_error"
    assert "sk-" not in raised.value.message
    assert "boom" not in raised.value.message


def test_usage_comes_before_the_finish_wherever_it_was_told() -> None:
    usage = b'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n'
    finish = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'

    assert read(finish, usage, DONE) == read(usage, finish) == [Tokens(1, 2), Finish("stop")]


def test_a_history_with_calls_is_rendered() -> None:
    messages = (
        text_message("1", "user", "add"),
        Message("2", "assistant", calls=(Call("c1", "add", "{}"),)),
        Message("3", "tool", (TextPart("2"),), call_id="c1"),
        Message("4", "assistant", incomplete=True),
    )

    body = json.loads(ChatCodec().body(ModelRequest("m", messages, instructions="be kind")))

    function = {"name": "add", "arguments": "{}"}
    assert body["messages"] == [
        {"role": "system", "content": "be kind"},
        {"role": "user", "content": "add"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": function}],
        },
        {"role": "tool", "content": "2", "tool_call_id": "c1"},
    ]


def test_a_half_answer_is_carried_on_by_an_instruction() -> None:
    body = json.loads(ChatCodec().body(ModelRequest("m", (), partial="Once")))

    half = {"role": "assistant", "content": "Once"}
    assert body["messages"] == [half, {"role": "user", "content": CARRY_ON}]


def test_a_half_answer_is_prefilled_where_the_server_can() -> None:
    body = json.loads(ChatCodec("prefill").body(ModelRequest("m", (), partial="Once")))

    assert body["messages"] == [{"role": "assistant", "content": "Once", "prefix": True}]
    assert (body["continue_final_message"], body["add_generation_prompt"]) == (True, False)


def test_the_token_limit_is_named_as_the_model_wants_it() -> None:
    codec, request = ChatCodec(), ModelRequest("m", (), temperature=0.5, max_output_tokens=9)

    assert json.loads(codec.body(request))["max_tokens"] == 9
    assert codec.learn("Use 'max_completion_tokens' instead.")
    assert json.loads(codec.body(request))["max_completion_tokens"] == 9
    assert not codec.learn("Use 'max_completion_tokens' instead.")


def test_tools_are_described_as_this_api_describes_functions() -> None:
    schema = {"type": "object", "properties": {"q": {"type": "string"}}}
    request = ModelRequest("m", (), tools=(Tool("find", "Finds", schema),))

    (tool,) = json.loads(ChatCodec().body(request))["tools"]

    function = {"name": "find", "description": "Finds", "parameters": schema}
    assert tool == {"type": "function", "function": function}
    assert "tools" not in json.loads(ChatCodec().body(ModelRequest("m", ())))


def test_a_schema_is_asked_for_until_the_server_has_rejected_it() -> None:
    schema = {"type": "object", "properties": {}, "required": []}
    codec, request = ChatCodec(), ModelRequest("m", (), schema=schema)

    asked = json.loads(codec.body(request))["response_format"]

    json_schema = {"name": "answer", "strict": True, "schema": schema}
    assert asked == {"type": "json_schema", "json_schema": json_schema}
    assert codec.learn("Unknown parameter: 'response_format'.")
    assert "response_format" not in json.loads(codec.body(request))
    assert not codec.learn("Unknown parameter: 'response_format'.")
