"""One POST of a client while it is answered: its connection, and what became of it."""

from __future__ import annotations

import asyncio

from starlette.types import Message, Receive, Scope, Send

_LINE = "talkwire.mcp.line"


class Line:
    """The two ways of a connection whose body, `body`, was read already.

    A client that takes nothing for `send_timeout_s` is treated as one that has left, but it has
    not: `left` tells a connection that was closed from one that was given up here.
    """

    def __init__(self, receive: Receive, send: Send, body: bytes, send_timeout_s: float) -> None:
        self.turn_id: str | None = None
        self.called_off = False
        self.left = False
        self._receive = receive
        self._send = send
        self._body: bytes | None = body
        self._send_timeout_s = send_timeout_s
        self._given_up = asyncio.Event()

    async def receive(self) -> Message:
        """The body, and then the end of the connection."""
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        waiting = [
            asyncio.ensure_future(self._receive()),
            asyncio.ensure_future(self._given_up.wait()),
        ]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()
        self.left = not self._given_up.is_set()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Send in time, or give the connection up; nothing is sent afterwards."""
        if self._given_up.is_set():
            return
        try:
            async with asyncio.timeout(self._send_timeout_s):
                await self._send(message)
        except TimeoutError:
            self._given_up.set()


def put(scope: Scope, line: Line) -> None:
    """From now on this request's line is known by its scope."""
    scope[_LINE] = line


def line_of(scope: Scope) -> Line:
    """The line of a request that came through this wire's route."""
    line: Line = scope[_LINE]
    return line
