"""Arguments become turns and questions, or are refused with the field's name."""

from __future__ import annotations

from typing import Any

import pytest

from talkwire.canon.errors import BadRequest
from talkwire.web.faults import Invalid
from talkwire.wires.mcp.decode import cancelled_of, check, checked, place_of, question_of, turn_of
from talkwire.wires.mcp.shapes import FACTS_BYTES, ListArguments, ReadArguments


def turn(arguments: dict[str, Any], most: int = 100) -> Any:
    return turn_of(arguments, session_id="s_new", most_chars=most)


def test_a_chat_is_a_turn_of_the_named_session_or_of_a_new_one() -> None:
    asked = turn({"input": "Hi", "session_id": "s_1", "model": "large", "prompt": "short@2"})

    assert (asked.session_id, asked.text, asked.wire) == ("s_1", "Hi", "mcp")
    assert (asked.model, asked.prompt) == ("large", "short@2")
    assert turn({"input": "Hi"}).session_id == "s_new"


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({}, "input"),
        ({"input": ""}, "input"),
        ({"input": 5}, "input"),
        ({"input": "x" * 101}, "input"),
        ({"input": "x", "session_id": "no/slash"}, "session_id"),
        ({"input": "x", "prompt": "../etc"}, "prompt"),
        ({"input": "x", "temprature": 1}, "temprature"),
    ],
)
def test_a_wrong_argument_is_named(arguments: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        turn(arguments)

    assert caught.value.errors[0].field == field


def test_facts_are_bounded_as_json() -> None:
    def asked(size: int) -> str:
        arguments = {"query": "Hi", "facts": {"a": "é" * (size // 2)}}
        return question_of(arguments, session_id="s", most_chars=100).facts

    assert len(asked(FACTS_BYTES - 8).encode()) == FACTS_BYTES
    with pytest.raises(Invalid) as caught:
        asked(FACTS_BYTES)
    assert caught.value.errors[0].field == "facts"


@pytest.mark.parametrize("limit", [0, 101, "5", 1.5, True])
def test_a_page_has_a_size_that_it_may_have(limit: Any) -> None:
    with pytest.raises(Invalid):
        checked(ListArguments, {"limit": limit})
    with pytest.raises(Invalid):
        checked(ReadArguments, {"session_id": "s_1", "limit": limit})


def test_a_cursor_is_one_that_was_given() -> None:
    assert place_of(None) is None
    assert place_of("1790000000000:s:1") == (1_790_000_000_000, "s:1")
    for wrong in ("", "x:s", "5", "5:", "-5:s", "٥:s", "9" * 40 + ":s"):
        with pytest.raises(Invalid):
            place_of(wrong)


@pytest.mark.parametrize(
    "change",
    [
        {"jsonrpc": "1.0"},
        {"method": 5},
        {"method": None, "result": {}},
        {"params": [1]},
        {"id": None},
        {"id": 1.5},
        {"id": True},
        {"id": {"a": 1}},
    ],
)
def test_what_is_no_json_rpc_is_refused_without_repeating_it(change: dict[str, Any]) -> None:
    whole = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}

    check(whole)
    check({"jsonrpc": "2.0", "method": "notifications/initialized"})
    with pytest.raises(BadRequest, match="no request or notification"):
        check({**whole, **change})


@pytest.mark.parametrize(
    ("message", "called_off"),
    [
        ({"method": "notifications/cancelled", "params": {"requestId": 7}}, 7),
        ({"method": "notifications/cancelled", "params": {"requestId": "a"}}, "a"),
        ({"method": "notifications/cancelled", "params": {"requestId": True}}, None),
        ({"method": "notifications/cancelled", "params": {"requestId": [7]}}, None),
        ({"method": "notifications/cancelled", "params": [7]}, None),
        ({"method": "notifications/cancelled"}, None),
        ({"method": "tools/call", "params": {"requestId": 7}}, None),
    ],
)
def test_what_is_called_off_is_named_by_its_id(
    message: dict[str, Any], called_off: str | int | None
) -> None:
    assert cancelled_of(message) == called_off
