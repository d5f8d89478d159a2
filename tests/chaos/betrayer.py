"""A provider of models, voices and tools that repeats whatever secret it was shown.

`do=…` in the last message says how: as a status, in an error's text, in its code, in a header, in
a redirect. All that a caller shows comes back: the Authorization header, other headers, the query.
"""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import suppress
from typing import Any

from tests.e2e.listening import Listening

STATUSES = ("400", "401", "403", "404", "409", "413", "422", "429", "500", "503")
ORDERS = (
    *STATUSES,
    "masked",
    "redirect",
    "document",
    "frame",
    "code",
    "kind",
    "html",
    "garbage",
    "head",
    "trailer",
    "cut",
    "stall",
    "bug",
    "tool=whisper",
    "tool=mutter",
    "tool=parrot",
    "tool=nobody",
)
REPEATED = ("masked", "redirect", "document", "frame", "code", "kind", "html", "head", "bug")
_STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


class Betrayer(Listening):
    """`async with`: models at `url`, a voice service at `voice`, an MCP server at `mcp`.

    `answer` is what its models say when they are asked for nothing else.
    """

    def __init__(self, answer: str) -> None:
        super().__init__()
        self.answer = answer
        self.asked = 0

    @property
    def models(self) -> str:
        return f"{self.url}/v1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, ValueError):
                await self._serve(reader, writer)
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readexactly(1)
        if first == b"\x16":  # a handshake of TLS, which is not spoken here
            return
        head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = re.search(r"content-length: *(\d+)", head, re.I)
        body = (await reader.readexactly(int(length.group(1)))).decode() if length else ""
        self.asked += 1
        shown = " ".join(head.split())
        order = "401"
        if "/chat/completions" in head or "/responses" in head.split("\r\n")[0]:
            found = re.findall(r"do=(\S+?)[\s\"\\]", body)
            order = found[-1] if found else "plain"
        if order.startswith("tool=") and '"tool"' in body:
            order = "plain"  # the tool was called: its result is in the question
        if "/responses" in head.split("\r\n")[0] and order not in (*STATUSES, *REPEATED):
            order = "404"  # it speaks only the other API
        writer.write(self._answer(order, shown))
        await writer.drain()
        if order == "stall":
            await asyncio.Event().wait()

    def _answer(self, order: str, shown: str) -> bytes:
        key = (re.search(r"bearer (\S+)", shown, re.I) or ["", "none"])[1]
        said = f"Incorrect API key provided: {key}. Your request was: {shown}"
        error: dict[str, Any] = {"message": said, "type": "invalid_request_error", "code": None}
        if order in STATUSES:
            return _whole(order, json.dumps({"error": error}), f"Retry-After: 0\r\nX-Key: {key}")
        if order == "masked":  # as some providers do it
            hidden = f"Incorrect API key provided: {key[:12]}*****{key[-8:]}."
            return _whole("400", json.dumps({"error": {"message": hidden}}))
        if order.startswith("tool="):
            return _STREAM + _called(order.partition("=")[2], self.answer)
        if order in ("plain", "cut", "stall"):
            text = _frame({"content": self.answer})
            end = _frame({}, "stop") + b"data: [DONE]\n\n"
            return _STREAM + text + (end if order == "plain" else b"")
        return _odd(order, key, said)


def _odd(order: str, key: str, said: str) -> bytes:
    error = json.dumps({"error": {"message": said, "code": key, "type": key, "param": key}})
    match order:
        case "redirect":
            return _whole("302", said, f"Location: http://elsewhere.invalid/v1?key={key}")
        case "document":
            return _whole("200", error)
        case "frame":
            return _STREAM + _frame({"content": "w"}) + f"data: {error}\n\n".encode()
        case "code":
            return (
                _STREAM
                + f'event: error\ndata: {{"code": "{key}", "message": "{key}"}}\n\n'.encode()
            )
        case "kind":
            return _whole("200", said, kind=key)
        case "html":
            return _whole("200", f"<html>{said}</html>", kind="text/html")
        case "head":
            return f"HTTP/1.1 {key} {said}\r\n{key}\r\n\r\n".encode()
        case "bug":
            return _whole("418", error)
        case "trailer":
            return _STREAM + f"data: {key}\n\n: {key}\nretry: {key}\n\n".encode()
        case _:
            return _STREAM + f"data: {{{said}\n\n".encode() * 3 + b"\xff\xfe\x00\n\n"


def _called(name: str, text: str) -> bytes:
    function = {"name": name, "arguments": json.dumps({"text": text})}
    asked = {"index": 0, "id": "call_1", "type": "function", "function": function}
    return _frame({"tool_calls": [asked]}) + _frame({}, "tool_calls") + b"data: [DONE]\n\n"


def _frame(delta: dict[str, Any], finish: str | None = None) -> bytes:
    chunk: dict[str, Any] = {"id": "c1", "object": "chat.completion.chunk", "model": "m"}
    chunk |= {"created": 1, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def _whole(status: str, body: str, more: str = "", kind: str = "application/json") -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    lines += ["Connection: close", *([more] if more else [])]
    return "\r\n".join([*lines, "", body]).encode()
