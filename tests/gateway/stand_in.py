"""A gateway on a real socket, which speaks both protocols and lets instances expire."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import unquote

from tests.e2e.listening import Listening


@dataclass
class Known:
    """One instance: what was told of it, and until when it is believed."""

    told: dict[str, Any]
    ttl_s: float
    until: float


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: Any


class StandIn(Listening):
    """`known` are its instances by id. It answers `status` instead, where that is given; `before`
    is awaited before it answers anything.
    """

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, Known] = {}
        self.asked: list[Asked] = []
        self.status: int | None = None
        self.stalls = False
        self.before: Callable[[Asked], Awaitable[None]] | None = None
        self._port = 0

    @property
    def alive(self) -> set[str]:
        """The ids that have not expired."""
        return {name for name, each in self.known.items() if each.until > time.monotonic()}

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        self._port = self.port
        return self

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = await _read(reader)
            self.asked.append(asked)
            if self.before is not None:
                await self.before(asked)
            if self.stalls:
                await asyncio.sleep(60)
            status = self.status or self._answer(asked)
            head = f"HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            writer.write(head.encode())
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    def _answer(self, asked: Asked) -> int:
        match asked.method, [unquote(part) for part in asked.path.split("/")[1:]]:
            case "PUT", ["services", _, "instances", name]:
                return self._hold(name, asked.body, float(asked.body["ttl_s"]))
            case "PUT", ["services", _, "instances", name, "renew"]:
                return self._renew(name)
            case "DELETE", ["services", _, "instances", name]:
                return 204 if self.known.pop(name, None) else 404
            case "PUT", ["v1", "agent", "service", "register"]:
                ttl_s = float(asked.body["Check"]["TTL"].removesuffix("s"))
                return self._hold(asked.body["ID"], asked.body, ttl_s)
            case "PUT", ["v1", "agent", "check", "pass", check]:
                return self._renew(check.removeprefix("service:"))
            case "PUT", ["v1", "agent", "service", "deregister", name]:
                return 200 if self.known.pop(name, None) else 404
            case _:
                return 400

    def _hold(self, name: str, told: dict[str, Any], ttl_s: float) -> int:
        self.known[name] = Known(told, ttl_s, time.monotonic() + ttl_s)
        return 200

    def _renew(self, name: str) -> int:
        known = self.known.get(name)
        if known is None:
            return 404
        known.until = time.monotonic() + known.ttl_s
        return 200


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:-2])}
    raw = await reader.readexactly(int(headers.get("content-length", "0")))
    path = target.partition("?")[0]
    return Asked(method, path, headers, json.loads(raw) if raw else None)
