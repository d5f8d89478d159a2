"""A stand-in for a server with the wire `support`, for what a real one does not do on demand: it
serves the widget and answers byte for byte as it is told.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.listening import Listening

WIDGET = Path(__file__).parents[2] / "examples" / "support-widget"
CATEGORY, SUBCATEGORY = "取款/提现", "1 提现状态查询 Flow"
OTHER = "2 提现失败与退回 Flow"
TITLES = {
    "title": {"zh": "提现状态查询", "en": "Withdrawal status"},
    "category_title": {"zh": CATEGORY, "en": "Withdrawals"},
}
SCENARIOS: dict[str, list[dict[str, Any]]] = {
    CATEGORY: [
        {
            "category": CATEGORY,
            "subcategory": subcategory,
            "description": "…",
            "related_subcategories": [other],
            **named,
        }
        for subcategory, other, named in [
            (SUBCATEGORY, OTHER, TITLES),
            (OTHER, SUBCATEGORY, {}),
        ]
    ],
    "订单": [
        {
            "category": "订单",
            "subcategory": "2 取消订单 Flow",
            "description": "…",
            "related_subcategories": [],
        }
    ],
}
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Turn-Id: t_1\r\n"
Piece = bytes | asyncio.Event


def line(value: object) -> bytes:
    """A frame as the wire writes it."""
    told = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return f"data: {told}\n\n".encode()


def said(text: str, *, category: str = CATEGORY, subcategory: str = SUBCATEGORY) -> bytes:
    """A piece of an answer; with "" a heartbeat."""
    about = {"category": category, "subcategory": subcategory}
    return line({**about, "response": text, "thread_id": "th_1"})


def done(**more: Any) -> bytes:
    """The last frame of an answer."""
    about = {"confidence": 0.95, "related_subcategories": [OTHER], "sop_references": ["one.md"]}
    return line({"done": True, "thread_id": "th_1", **about, **more})


def refusal(status: int, code: str, *headers: str) -> bytes:
    """A whole answer of HTTP that tells an error."""
    body = json.dumps({"status": status, "code": code, "detail": "no"}).encode()
    lines = [f"HTTP/1.1 {status} No", "Content-Type: application/problem+json", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass
class StandIn(Listening):
    """Each question takes the next of `answers`: pieces of a stream, or a whole `refusal`. An event
    among the pieces is waited for; at the end the connection is closed.
    """

    answers: list[Sequence[Piece] | bytes] = field(default_factory=list)
    attributes: str = ""
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    aborted: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        super().__init__()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._serve(reader, writer)
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = re.search(r"content-length: *(\d+)", head, re.I)
        body = await reader.readexactly(int(length[1])) if length else b""
        method, path = head.split(" ")[:2]
        self.requests.append(f"{method} {path}")
        if path == "/chat/stream":
            key = re.search(r"idempotency-key: *(\S+)", head, re.I)
            self.asked.append((key[1] if key else "", json.loads(body)))
            await self._answer(writer)
        else:
            writer.write(self._whole(method, path))
            await writer.drain()

    async def _answer(self, writer: asyncio.StreamWriter) -> None:
        answer = self.answers.pop(0)
        if isinstance(answer, bytes):
            writer.write(answer)
            await writer.drain()
            return
        writer.write(STREAM + b"Connection: close\r\n\r\n")
        for piece in answer:
            if isinstance(piece, asyncio.Event):
                await piece.wait()
            else:
                writer.write(piece)
                await writer.drain()

    def _whole(self, method: str, path: str) -> bytes:
        if path.startswith("/turns/"):
            self.aborted.set()
        if method == "GET" and path.partition("?")[0] == "/":
            page = (WIDGET / "index.html").read_text("utf-8")
            kind, text = "text/html", page.replace('data-server=""', self.attributes, 1)
        elif path.endswith("/scenarios"):
            told = {"total_categories": len(SCENARIOS), "categories": SCENARIOS}
            kind, text = "application/json", json.dumps(told)
        else:
            kind, text = "application/json", json.dumps({"messages": self.messages})
        data = text.encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}; charset=utf-8\r\nConnection: close\r\n"
        return f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data
