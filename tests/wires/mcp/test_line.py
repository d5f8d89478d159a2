"""A connection while a message is answered."""

from __future__ import annotations

import asyncio

from starlette.types import Message

from talkwire.wires.mcp.line import Line, line_of, put
from tests.web.wire import Client

START: Message = {"type": "http.response.start", "status": 200, "headers": []}


async def test_the_body_comes_once_and_then_the_end() -> None:
    client = Client()
    line = Line(client.receive, client.send, b"{}", 5)

    assert await line.receive() == {"type": "http.request", "body": b"{}", "more_body": False}
    ending = asyncio.create_task(line.receive())
    await asyncio.sleep(0)
    assert not ending.done()
    client.left.set()

    assert await ending == {"type": "http.disconnect"}
    assert line.left


async def test_a_client_that_takes_nothing_is_given_up_and_has_not_left() -> None:
    client = Client()
    client.reading.clear()
    line = Line(client.receive, client.send, b"{}", 0.01)
    await line.receive()

    await line.send(START)
    async with asyncio.timeout(5):
        assert await line.receive() == {"type": "http.disconnect"}
    client.reading.set()
    await line.send(START)

    assert client.sent == []
    assert not line.left


async def test_a_request_knows_its_line() -> None:
    client = Client()
    scope: Message = {}
    line = Line(client.receive, client.send, b"", 1)
    put(scope, line)

    assert line_of(scope) is line
