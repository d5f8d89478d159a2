"""Requests of this wire. What is refused over HTTP is in `bad_requests.py`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from talkwire.canon.turn import TextPart, TurnRequest
from talkwire.web.faults import Invalid
from talkwire.wires.support.decode import from_body, from_query
from talkwire.wires.support.shapes import CONTEXT_BYTES

NEW = "s_new"


def body(given: dict[str, Any], most_chars: int = 1000) -> TurnRequest:
    return from_body({"user_query": "Hi", **given}, session_id=NEW, most_chars=most_chars)


def query(given: dict[str, str], **bounds: Any) -> TurnRequest:
    given = {"user_query": "Hi", **given}
    return from_query(given, session_id=NEW, **{"most_chars": 1000, **bounds})


def fault(read: Any, given: dict[str, Any]) -> str:
    with pytest.raises(Invalid) as raised:
        read(given)
    return raised.value.errors[0].field


def test_a_question_alone_is_routed_in_a_new_thread() -> None:
    asked = TurnRequest(
        session_id=NEW, wire="support", parts=(TextPart("Hi"),), prompt="support", scenario=""
    )

    assert body({"unknown": 1}) == asked
    assert query({"unknown": "1"}) == asked


def test_every_field_has_its_place() -> None:
    asked = TurnRequest(
        session_id="t.1",
        wire="support",
        parts=(TextPart("Hi"),),
        prompt="support",
        scenario="1 提现状态查询 Flow",
        category="提现",
        facts='{"order":{"no":"7","paid":true},"提示":[1.5,null]}',
    )
    named = {"thread_id": "t.1", "category": "提现", "subcategory": "1 提现状态查询 Flow"}
    context = {"order": {"no": "7", "paid": True}, "提示": [1.5, None]}

    assert body({**named, "context": context}) == asked
    assert query({**named, "context": json.dumps(context, indent=2)}) == asked


@pytest.mark.parametrize("context", [{}, None])
def test_no_facts_are_no_text(context: Any) -> None:
    assert body({"context": context}).facts == ""
    assert query({"context": "{}"}).facts == ""


def test_null_in_a_body_and_nothing_in_a_query_count_as_absent() -> None:
    names = ("thread_id", "category", "subcategory", "context")

    assert body(dict.fromkeys(names)) == body({})
    assert query(dict.fromkeys(names, "")) == query({})


def test_numbers_of_any_size_stay_what_they_are() -> None:
    assert body({"context": {"id": 10**40}}).facts == '{"id":1' + "0" * 40 + "}"


@pytest.mark.parametrize("size", [CONTEXT_BYTES, CONTEXT_BYTES + 1])
def test_a_context_is_bounded_in_bytes(size: int) -> None:
    context = {"a": "é" * ((size - 8) // 2) + "x" * (size % 2)}
    assert len(json.dumps(context, ensure_ascii=False, separators=(",", ":")).encode()) == size

    if size > CONTEXT_BYTES:
        assert fault(body, {"context": context}) == "context"
        assert fault(query, {"context": json.dumps(context)}) == "context"
    else:
        assert len(body({"context": context}).facts.encode()) == size


@pytest.mark.parametrize(
    "context", ["[1]", "null", "1", "x", "{", '{"a":NaN}', '{"a":"\\ud83d"}', '{"a":{"b":{}}}']
)
def test_a_context_in_a_query_is_a_json_object_of_bounded_depth(context: str) -> None:
    def read(given: dict[str, str]) -> TurnRequest:
        return query(given, depth=2)

    assert fault(read, {"context": context}) == "context"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("user_query", ""),
        ("user_query", "x" * 20_001),
        ("user_query", "x" * 1001),
        ("thread_id", "a b"),
        ("category", "x" * 201),
        ("subcategory", "x" * 201),
    ],
)
def test_what_is_out_of_bounds_is_told_by_its_field(field: str, value: str) -> None:
    assert fault(body, {field: value}) == field
    assert fault(query, {field: value}) == field


def test_a_wrong_type_is_not_converted() -> None:
    for field, value in {"user_query": 1, "thread_id": 1, "category": 1, "context": "{}"}.items():
        assert fault(body, {field: value}) == field
