from __future__ import annotations

from typing import Any

import pytest

from talkwire.canon.turn import Call, Message, TextPart, TurnRequest, text_message
from talkwire.web.faults import Invalid
from talkwire.wires.tool_chat import decode

SECRET = "sk-caller-1f2e"
USER = {"role": "user", "content": "Six times seven?"}
OURS = {"tool_call_id": "c1", "tool_name": "sum", "arguments": {"a": [1, "é"]}}
OPENAI = {"id": "c2", "type": "function", "function": {"name": "sum", "arguments": '{"a": 1}'}}


def stream(body: dict[str, Any]) -> tuple[TurnRequest, decode.Brought]:
    return decode.from_stream({"session_id": "s_1", "content": "Hi", **body}, most_chars=1000)


def direct(*messages: dict[str, Any], **more: Any) -> TurnRequest:
    body = {"session_id": "s_1", "messages": list(messages), **more}
    return decode.from_direct(body, most_chars=1000)[0]


def faults(*messages: dict[str, Any], **more: Any) -> list[str]:
    with pytest.raises(Invalid) as raised:
        direct(*messages, **more)
    return [each.field for each in raised.value.errors]


def test_a_message_goes_on_with_its_session() -> None:
    request, brought = stream({"unknown": 1})

    assert request == TurnRequest(session_id="s_1", wire="tool-chat", parts=(TextPart("Hi"),))
    assert not brought


def test_model_config_is_the_name_on_the_wire() -> None:
    given = {"model_name": "m", "temperature": 0.5, "max_tokens": 7, "top_k": 3}
    request, brought = stream({"model_config": given})
    ignored, _ = stream({"asked_model": {"model_name": "m"}})

    assert (request.model, request.temperature, request.max_output_tokens) == ("m", 0.5, 7)
    assert not brought
    assert ignored.model is None


def test_what_is_the_callers_is_brought_and_not_asked() -> None:
    given = {"api_key": f" {SECRET} ", "base_url": "https://api.example/v1"}
    request, brought = stream({"model_config": given})

    assert request == stream({})[0]
    assert brought.api_key is not None
    assert brought.api_key.get_secret_value() == SECRET
    assert brought.base_url == "https://api.example/v1"
    assert SECRET not in repr(brought) + str(brought)
    assert "example" not in repr(brought)


@pytest.mark.parametrize("empty", ["", None])
def test_fields_that_a_form_leaves_empty_are_absent(empty: str | None) -> None:
    given = dict.fromkeys(("model_name", "api_key", "base_url"), empty)

    assert stream({"model_config": given})[0] == stream({})[0]
    assert not stream({"model_config": given})[1]
    assert stream({"model_config": None})[0] == stream({})[0]


@pytest.mark.parametrize("key", ["a b", "é", "x\ny", "k" * 5000, {"key": SECRET}, 7])
def test_a_key_that_cannot_be_sent_is_refused_without_being_told(key: Any) -> None:
    with pytest.raises(Invalid) as raised:
        stream({"model_config": {"api_key": key}})

    assert raised.value.param == "model_config.api_key"
    assert str(key) not in raised.value.message


def test_what_is_kept_of_a_body_has_no_secrets() -> None:
    given = {"api_key": SECRET, "base_url": "https://a.example", "model_name": "m"}
    body = {"content": "Hi", "model_config": given}

    assert decode.without_secrets(body) == {"content": "Hi", "model_config": {"model_name": "m"}}
    assert decode.without_secrets({"content": "Hi"}) == {"content": "Hi"}
    assert body["model_config"] == given


def test_given_messages_are_the_whole_context_and_not_kept() -> None:
    request = direct({"role": "system", "content": "Be brief."}, USER)

    assert request == TurnRequest(
        session_id="s_1",
        wire="tool-chat",
        context=(
            text_message("", "system", "Be brief."),
            text_message("", "user", "Six times seven?"),
        ),
        keep=False,
    )


def test_calls_are_taken_as_openai_and_as_this_wire_write_them() -> None:
    request = direct(
        USER,
        {"role": "assistant", "content": None, "tool_calls": [OURS, OPENAI]},
        {"role": "tool", "tool_call_id": "c2", "content": "2"},
        {"role": "tool", "tool_call_id": "c1", "content": ""},
    )

    calls = (Call("c1", "sum", '{"a":[1,"é"]}'), Call("c2", "sum", '{"a": 1}'))
    assert request.context[1:] == (
        Message("", "assistant", calls=calls),
        Message("", "tool", (TextPart("2"),), call_id="c2"),
        Message("", "tool", call_id="c1"),
    )


def test_what_is_saved_are_the_last_words_of_the_user() -> None:
    answer = {"role": "assistant", "content": "42"}
    request = direct(USER, answer, {"role": "user", "content": "Why?"}, save=True)

    assert (request.text, request.keep, len(request.context)) == ("Why?", True, 3)
    assert faults({"role": "system", "content": "x"}, save=True) == ["messages"]


@pytest.mark.parametrize(
    ("messages", "field"),
    [
        ([{"role": "nobody", "content": "x"}], "messages.0.role"),
        ([{"role": "user", "content": ""}], "messages.0.content"),
        ([{"role": "assistant"}], "messages.0.content"),
        ([USER, {"role": "tool", "tool_call_id": "c1", "content": "1"}], "messages.1.tool_call_id"),
        ([{**USER, "tool_call_id": "c1"}], "messages.0.tool_call_id"),
        ([{**USER, "tool_calls": [OURS]}], "messages.0.tool_calls"),
        ([{"role": "assistant", "tool_calls": [OPENAI, OURS]}], "messages.0.tool_calls.0"),
        ([{"role": "assistant", "tool_calls": [OURS, OURS]}], "messages.0.tool_calls.1"),
        ([{"role": "assistant", "tool_calls": [OURS]}, USER], "messages.0.tool_calls.0"),
        ([{"role": "assistant", "tool_calls": ["x"]}], "messages.0.tool_calls.0"),
    ],
)
def test_what_no_model_could_be_given_is_refused_by_its_field(
    messages: list[dict[str, Any]], field: str
) -> None:
    assert faults(*messages) == [field]


def test_texts_are_bounded_by_the_settings_all_together() -> None:
    half = {"role": "user", "content": "x" * 600}
    assert faults(half, half) == ["messages"]
    with pytest.raises(Invalid) as raised:
        stream({"content": "x" * 1001})
    assert raised.value.param == "content"


def test_an_abort_needs_a_session_or_a_turn() -> None:
    assert decode.abort({"session_id": "s"}).session_id == "s"
    assert decode.abort({"turn_id": "t"}).turn_id == "t"
    with pytest.raises(Invalid) as raised:
        decode.abort({})
    assert [each.field for each in raised.value.errors] == ["session_id", "turn_id"]


def test_a_decision_is_a_plain_yes_or_no() -> None:
    assert decode.decision({"approve": True})[0].approve
    _, brought = decode.decision({"approve": False, "model_config": {"api_key": SECRET}})
    assert brought.api_key is not None
    for body in ({}, {"approve": "yes"}, {"approve": 1}, {"approve": True, "reason": 1}):
        with pytest.raises(Invalid):
            decode.decision(body)


def test_whatever_a_model_may_have_named_a_call_is_an_id() -> None:
    assert all(map(decode.is_call_id, ("call_1", "toolu_01A", "a b", "é", "x" * 256)))
    assert not any(map(decode.is_call_id, ("", "a\x00", "a\n", "x" * 257)))
