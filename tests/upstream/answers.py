"""One answer of the fake provider, well-behaved or not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from tests.upstream import frames
from tests.upstream.behaviour import Behaviour
from tests.upstream.dialects import OWNERS, SPOKEN, OpenAI
from tests.upstream.frames import Api

if TYPE_CHECKING:
    from tests.upstream.server import Connection, Request

PATHS: dict[str, Api] = {"/v1/chat/completions": "chat", "/v1/responses": "responses"}
_STREAM = {"content-type": "text/event-stream; charset=utf-8"}
_DOCUMENTS = {
    "html": ("text/html", b"<!doctype html><title>Sign in</title>"),
    "empty": ("text/event-stream", b""),
    "json": ("application/json", b'{"id":"c1","choices":[{"message":{"content":"hi"}}]}'),
    "garbage": ("text/event-stream", b"data: what\n\ndata: is\n\ndata: this\n\ndata: here\n\n"),
}


async def answer(connection: Connection, request: Request) -> None:
    """Answer one request."""
    upstream = connection.upstream
    if request.method == "GET":
        await _listing(connection, request)
        return
    api = PATHS.get(request.path)
    if api is None or request.path in upstream.missing:
        await _document(connection, 404, {"detail": "Not Found"})
        return
    how = upstream.how(request)
    if not await _rude(connection, request, how):
        options = request.json.get("stream_options") or {}
        usage = bool(options.get("include_usage"))
        spoken = SPOKEN[upstream.dialect](api, how, usage=usage)
        await Stream(connection, how, spoken).run()


async def _listing(connection: Connection, request: Request) -> None:
    """The models there are; Ollama tells them in a way of its own as well."""
    upstream = connection.upstream
    if upstream.checks == "silent":
        await connection.closed.wait()
    elif upstream.checks != 200:
        await _document(connection, int(upstream.checks), {"error": {"message": "Loading model"}})
    elif request.path == "/api/tags" and upstream.dialect == "ollama":
        tags = [{"name": name, "model": name, "size": 1} for name in upstream.models]
        await _document(connection, 200, {"models": tags})
    elif request.path == "/v1/models":
        owner = OWNERS[upstream.dialect]
        listed = [{"id": name, "object": "model", "owned_by": owner} for name in upstream.models]
        await _document(connection, 200, {"object": "list", "data": listed})
    else:
        await _document(connection, 404, {"detail": "Not Found"})


async def _rude(connection: Connection, request: Request, how: Behaviour) -> bool:
    """Everything that is no stream; False when it is one."""
    key = request.headers.get("authorization", "")
    if "silent" in how:
        await connection.closed.wait()
    elif "status" in how:
        message = f"No: {key}" if "key" in how else "That is not acceptable"
        extra = {"retry-after": str(how.get("retry", 0))} if "retry" in how else {}
        await _document(connection, how.get("status", 500), {"error": {"message": message}}, extra)
    elif "nooptions" in how and "stream_options" in request.json:
        error = {"message": "Unknown field: stream_options"}
        await _document(connection, 400, {"error": error})
    elif "redirect" in how:
        await _document(connection, 307, {}, {"location": "http://127.0.0.1:9/"})
    elif "headers" in how:
        await connection.send(b"HTTP/1.1 200 OK\r\n")
        while not connection.closed.is_set():
            await connection.send(b"x-more: " + b"y" * 4000 + b"\r\n")
    elif "gzip" in how:
        await _plain(connection, 200, b"\x1f\x8b" * 50, _STREAM | {"content-encoding": "gzip"})
    else:
        for word, (kind, body) in _DOCUMENTS.items():
            if word in how:
                await _plain(connection, 200, body, {"content-type": kind})
                return True
        return False
    return True


class Stream:
    """One event stream, up to whatever ends it."""

    def __init__(self, connection: Connection, how: Behaviour, spoken: OpenAI) -> None:
        self._connection = connection
        self._how = how
        self._spoken = spoken
        self._left = how.get("at", -1)
        self._chunked = "raw" not in how

    async def run(self) -> None:
        """All of it."""
        how, connection = self._how, self._connection
        await connection.send(_head(200, _STREAM | self._framing()))
        async for part in self._parts():
            if not await self._send(_shaped(part, how)):
                return
        if self._chunked:
            await connection.send(b"0\r\n\r\n")
        if not self._chunked or "close" in how:
            connection.finish()

    async def _parts(self) -> AsyncIterator[bytes]:
        how = self._how
        await asyncio.sleep(how.get("d", 0) / 1000)
        yield self._spoken.opening()
        for k, frame in enumerate(self._spoken.tokens()):
            if k and "i" in how:
                await asyncio.sleep(how.get("i", 0) / 1000)
            async for part in self._instead(k):
                yield part
            if self._connection.closed.is_set():
                return
            yield frame
        async for part in self._instead(how.get("n", 3)):
            yield part
        if "hugeline" in how:
            while not self._connection.closed.is_set():
                yield b"data: " + b"x" * 65_000
        yield self._spoken.closing()

    async def _instead(self, k: int) -> AsyncIterator[bytes]:
        """What happens before token k instead of going on."""
        how, connection = self._how, self._connection
        for _ in range(how.get("broken", 0) if k == 1 else 0):
            yield frames.BROKEN
        if how.get("stall", -1) == k:
            await connection.closed.wait()
        if k in (how.get("error", -1), how.get("failed", -1)):
            yield self._spoken.failure()
            connection.finish()
        if "at" not in how and k in (how.get("cut", -1), how.get("rst", -1), how.get("chunk", -1)):
            await self._cut()

    async def _cut(self) -> None:
        if "chunk" in self._how:
            await self._connection.send(b"20\r\ndata: {")
        if "rst" in self._how:
            self._connection.reset()
        else:
            self._connection.finish()
        await self._connection.closed.wait()

    async def _send(self, part: bytes) -> bool:
        """Write a part; False when this is where the answer is cut."""
        if self._left >= 0:
            part, self._left = part[: self._left], self._left - len(part)
        pieces = [part[k : k + 1] for k in range(len(part))] if "bytes" in self._how else [part]
        for piece in filter(None, pieces):
            await self._connection.send(
                b"%x\r\n%b\r\n" % (len(piece), piece) if self._chunked else piece
            )
        if "at" in self._how and self._left <= 0:
            await self._cut()
            return False
        return True

    def _framing(self) -> dict[str, str]:
        if not self._chunked:
            return {"connection": "close"}
        framing = {"transfer-encoding": "chunked"}
        return framing | {"connection": "close"} if "close" in self._how else framing


def _shaped(part: bytes, how: Behaviour) -> bytes:
    if "comments" in how:
        part = b": keep-alive\n\n" + part
    if "crlf" in how:
        return part.replace(b"\n", b"\r\n")
    return part.replace(b"\n", b"\r") if "cr" in how else part


def _head(status: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Status", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


async def _document(
    connection: Connection,
    status: int,
    document: dict[str, Any],
    extra: dict[str, str] | None = None,
) -> None:
    headers = {"content-type": "application/json"} | (extra or {})
    await _plain(connection, status, json.dumps(document).encode(), headers)


async def _plain(connection: Connection, status: int, body: bytes, headers: dict[str, str]) -> None:
    await connection.send(_head(status, headers | {"content-length": str(len(body))}) + body)
