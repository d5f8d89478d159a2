"""Bounds on headers, bodies and JSON. More than this is in tests/wires/bad_input.py."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from talkwire.canon.errors import BadRequest, PayloadTooLarge
from talkwire.web import limits
from talkwire.web.limits import (
    Body,
    ClientLeft,
    HeadersTooLarge,
    Limits,
    NotJson,
    TooSlow,
    parse_object,
    read_json,
    read_query,
)
from tests.web.wire import scope


async def through(
    pieces: Sequence[bytes],
    headers: dict[str, str] | None = None,
    *,
    stall: bool = False,
    consumed: list[bytes] | None = None,
    path: str = "/",
) -> bytes:
    """What an application reads through the middleware; `stall`: the last piece never comes.

    `consumed`: the list that the pieces are taken out of.
    """
    waiting = list(pieces) if consumed is None else consumed

    async def receive() -> Message:
        if not waiting and stall:
            await asyncio.Event().wait()
        body = waiting.pop(0) if waiting else b""
        return {"type": "http.request", "body": body, "more_body": bool(waiting) or stall}

    async def send(message: Message) -> None:
        raise AssertionError("nothing is sent here")

    read = b""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal read
        read = await Request(scope, receive).body()

    given = {"transfer-encoding": "chunked"} if headers is None else headers
    larger = {"/large": Body(20, 5.0)}
    bounded = Limits(app, body_bytes=10, headers=5, header_bytes=200, body_s=0.05, larger=larger)
    await bounded(scope(path, "POST", given), receive, send)
    return read


async def test_a_body_at_the_bound_passes() -> None:
    assert await through([b"12345", b"67890"]) == b"1234567890"


async def test_a_body_over_the_bound_is_refused_while_it_is_read() -> None:
    with pytest.raises(PayloadTooLarge):
        await through([b"12345", b"678901"])


async def test_a_body_over_the_bound_is_read_to_its_end_before_it_is_refused() -> None:
    """Else the connection is closed with bytes in it, which resets it before the answer is read."""
    for headers in ({"content-length": "18"}, {"transfer-encoding": "chunked"}):
        waiting = [b"12345", b"678901", b"2345678"]
        with pytest.raises(PayloadTooLarge):
            await through(waiting, headers, consumed=waiting)
        assert waiting == []


async def test_a_body_that_is_too_large_and_has_no_end_is_refused_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "LINGER_S", 0.01)
    for headers in ({"content-length": "11"}, {"transfer-encoding": "chunked"}):
        with pytest.raises(PayloadTooLarge):
            await through([b"123456789012"], headers, stall=True)
    monkeypatch.setattr(limits, "LINGER_BYTES", 4)
    waiting = [b"123456789012", b"345", b"678", b"901"]
    with pytest.raises(PayloadTooLarge):
        await through(waiting, consumed=waiting)
    assert waiting == [b"901"]


async def test_who_asks_first_whether_to_send_a_body_is_told_at_once() -> None:
    waiting = [b"123456789012"]
    headers = {"content-length": "12", "expect": "100-continue"}
    with pytest.raises(PayloadTooLarge):
        await through(waiting, headers, consumed=waiting)
    assert waiting == [b"123456789012"]


async def test_a_body_that_does_not_come_is_given_up() -> None:
    with pytest.raises(TooSlow):
        await through([b"1"], stall=True)


async def test_headers_are_bounded_in_number_and_size() -> None:
    with pytest.raises(HeadersTooLarge):
        await through([], {f"x-{n}": "" for n in range(6)})
    with pytest.raises(HeadersTooLarge):
        await through([], {"x": "a" * 200})


async def read(body: bytes, content_type: str | None = None) -> object:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = {} if content_type is None else {"content-type": content_type}
    return await read_json(Request(scope("/", "POST", headers), receive))


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "application/json",
        "Application/JSON; charset=UTF-8",
        'application/json;charset="utf-8"',
        "application/problem+json",
    ],
)
async def test_json_may_be_declared_in_many_ways_or_not_at_all(content_type: str | None) -> None:
    assert await read(b'{"a":1}', content_type) == {"a": 1}


@pytest.mark.parametrize("content_type", ["text/plain", "application/json; charset=latin-1", ""])
async def test_other_types_and_charsets_are_refused(content_type: str) -> None:
    with pytest.raises(NotJson):
        await read(b"{}", content_type)


async def test_a_client_that_leaves_while_it_sends_is_no_bug() -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    with pytest.raises(ClientLeft):
        await read_json(Request(scope("/", "POST"), receive))


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b'{"a":"\\ud800"}', "a"),
        (b'{"a":{"b":["x","\\udfff"]}}', "a.b.1"),
        (b'{"\\ud800":1}', "body"),
    ],
)
def test_half_a_character_is_refused_by_the_name_of_its_field(body: bytes, param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_object(body)

    assert caught.value.param == param


def test_depth_counts_nesting_and_not_brackets() -> None:
    flat = b'{"a":"' + b"[" * 500 + b'","b":[' + b"[]," * 100 + b"[]]}"

    assert len(parse_object(flat, depth=4)["b"]) == 101
    with pytest.raises(BadRequest):
        parse_object(b'{"a":[[[[1]]]]}', depth=4)


def test_the_last_of_equal_keys_counts() -> None:
    assert parse_object(b'{"a":1,"a":2}') == {"a": 2}


@pytest.mark.parametrize("body", [b"", b"[]", b"nope", b'{"a":NaN}', b"\xef\xbb\xbf{}", b'"\xff"'])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        parse_object(body)


def test_a_query_is_utf_8_and_its_last_equal_name_counts() -> None:
    def fields(query: bytes) -> dict[str, str]:
        return read_query(Request({**scope(), "query_string": query}))

    assert fields(b"input=a&input=%E4%BD%A0+b&x=") == {"input": "你 b", "x": ""}
    for query in (b"input=%ff", b"input=\xff", b"a=1&" * 101):
        with pytest.raises(BadRequest):
            fields(query)


async def test_a_path_may_take_more_and_takes_its_time() -> None:
    assert await through([b"x" * 20], path="/large") == b"x" * 20

    with pytest.raises(PayloadTooLarge):
        await through([b"x" * 21], path="/large")
    with pytest.raises(PayloadTooLarge):
        await through([b"x" * 21], {"content-length": "21"}, path="/large")
    with pytest.raises(PayloadTooLarge):
        await through([b"x" * 20], path="/large/other")
