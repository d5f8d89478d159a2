"""A model provider that does what the prompt says: `words=20 pace_ms=5 then=stall`, or
`words=3 tool=clock args={"a":1}` to have a tool called first. What its model's name says so wins.

With `lines=1` each word is a line, which is a sentence to be spoken; `gate=5` waits for `go_on`
before w5. Asked to sum up what a tool has returned it obeys those that begin with `sum_`:
`sum_words=5`.

Speaks Chat Completions over a real socket. Its answer is `w0 w1 w2 …`, so that every position of
a text is known; asked to carry on from a partial answer it goes on with the next word. It writes
down when each call came and when the other side closed it, by its own clock.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.listening import Listening

_STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
_HTML = b"<html><body>upstream secret page</body></html>"
_DONE = b"data: [DONE]\n\n"


def said(count: int, start: int = 0) -> str:
    """The answer's words from `start` to `count`."""
    return "".join(f"w{k} " for k in range(start, count))


@dataclass
class Call:
    """One question, and what became of it."""

    prompt: str
    body: Any
    came_at: float
    head: str = ""
    sent: int = 0
    closed_at: float | None = None
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def summing(self) -> bool:
        """It is asked for a summary, and not for the answer."""
        return "A tool has returned" in str(self.body["messages"][0]["content"])

    @property
    def orders(self) -> dict[str, str]:
        form = r"sum_(\w+)=(\w+)" if self.summing else r"(\w+)=(\S+)"
        return dict(re.findall(form, f"{self.prompt} {self.body['model']}"))


class Provider(Listening):
    """`async with Provider() as provider`: `provider.url` goes into `base_url`."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.go_on = asyncio.Event()

    @property
    def url(self) -> str:
        return f"{super().url}/v1"

    def model(self, **settings: Any) -> dict[str, Any]:
        """An entry for `models:` in a configuration."""
        given = {"name": "words", "provider": "openai-chat", "base_url": self.url}
        return {**given, "api_key": "sk-canary-7f3a", "upstream_model": "words-1", **settings}

    def called(self, marker: str) -> list[Call]:
        """The calls whose prompt holds the marker."""
        return [call for call in self.calls if marker in call.prompt]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._serve(reader, writer)
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = re.search(r"content-length: *(\d+)", head, re.I)
        body = json.loads(await reader.readexactly(int(length.group(1)))) if length else {}
        if not head.startswith("POST") or "/chat/completions" not in head.split("\r\n")[0]:
            data = b'{"object":"list","data":[{"id":"words-1","object":"model"}]}'
            status = 200 if "/models" in head.split("\r\n")[0] else 404
            await _whole(writer, status, data if status == 200 else b"{}")
            return
        prompt, start = _asked(body["messages"])
        call = Call(prompt, body, time.monotonic(), head, go_on=self.go_on)
        self.calls.append(call)
        answering = asyncio.create_task(_answer(writer, call, start, len(self.called(prompt))))
        try:
            # Nothing more is asked on this connection: a read ends when the other side closes it.
            watching = asyncio.create_task(reader.read())
            await asyncio.wait({answering, watching}, return_when=asyncio.FIRST_COMPLETED)
            watching.cancel()
        finally:
            answering.cancel()
            call.closed_at = time.monotonic()
            call.closed.set()
            await asyncio.gather(answering, watching, return_exceptions=True)


def _asked(messages: list[dict[str, Any]]) -> tuple[str, int]:
    """The last prompt with orders in it, and the word to begin with."""
    texts = [m["content"] if isinstance(m["content"], str) else json.dumps(m) for m in messages]
    last = max((k for k, text in enumerate(texts) if "words=" in text), default=len(texts) - 1)
    own = ["" if m["role"] == "tool" else text for text, m in zip(texts, messages, strict=True)]
    heard = re.findall(r"w(\d+) ", " ".join([*own[last + 1 :], ""]))
    return texts[last], (max(map(int, heard)) + 1 if heard else 0)


async def _answer(writer: asyncio.StreamWriter, call: Call, start: int, attempt: int) -> None:
    orders = call.orders
    count, pace_s = int(orders.get("words", "3")), float(orders.get("pace_ms", "0")) / 1000
    then = orders.get("then", "stop")
    if attempt <= int(orders.get("fails", "0")):
        then = orders.get("how", "500")
    if then in ("429", "500", "html"):
        error = _HTML if then == "html" else b'{"error":{"message":"canary upstream text"}}'
        await _whole(writer, 200 if then == "html" else int(then), error)
        return
    writer.write(_STREAM)
    if "tool" in orders and call.body["messages"][-1]["role"] != "tool":
        function = {"name": orders["tool"], "arguments": orders.get("args", "{}")}
        asked = {"index": 0, "id": "call_1", "type": "function", "function": function}
        writer.write(_frame({"tool_calls": [asked]}) + _frame({}, finish="tool_calls") + _DONE)
        await writer.drain()
        return
    ends, gate = "\n" if "lines" in orders else "", int(orders.get("gate", "-1"))
    for k in range(start, count):
        if k == gate:
            await call.go_on.wait()
        writer.write(_frame({"content": f"w{k} {ends}"}))
        await writer.drain()
        call.sent += 1
        if pace_s:
            await asyncio.sleep(pace_s)
    if then == "stall":
        await asyncio.Event().wait()
    elif then == "garbage":
        writer.write(b"data: {not json\n\n" * 5 + b"\xff\xfe\x00 rubbish\n\n")
    elif then != "cut":
        usage = {"prompt_tokens": 7, "completion_tokens": count, "total_tokens": 7 + count}
        writer.write(_frame({}, finish="stop", usage=usage) + _DONE)
    await writer.drain()


def _frame(delta: dict[str, Any], *, finish: str | None = None, usage: Any = None) -> bytes:
    chunk: dict[str, Any] = {"id": "c1", "object": "chat.completion.chunk", "model": "words-1"}
    chunk |= {"created": 1, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    if usage:
        chunk["usage"] = usage
    return b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n"


async def _whole(writer: asyncio.StreamWriter, status: int, body: bytes) -> None:
    kind = b"text/html" if body == _HTML else b"application/json"
    writer.write(
        b"HTTP/1.1 %d X\r\nContent-Type: %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
        % (status, kind, len(body), body)
    )
    await writer.drain()
