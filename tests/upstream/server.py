"""A fake OpenAI provider on a real socket: raw asyncio, so that it can be as rude as it likes.

In a test: `async with Upstream() as upstream:`, then `upstream.base_url`. As a process of its own:
`python -m tests.upstream --port 0`, which prints its base URL.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.upstream.answers import answer
from tests.upstream.behaviour import Behaviour, behaviour
from tests.upstream.dialects import Dialect


@dataclass
class Request:
    """What was asked, and on which connection."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: Connection

    @property
    def json(self) -> dict[str, Any]:
        """The body."""
        document: dict[str, Any] = json.loads(self.body)
        return document


@dataclass
class Upstream:
    """Counts and remembers everything. `script` gives the next calls their behaviour, `checks` is
    the status of requests for the list of models, or "silent".
    """

    port: int = 0
    dialect: Dialect = "openai"
    checks: int | str = 200
    script: deque[str] = field(default_factory=deque)
    missing: frozenset[str] = frozenset()
    requests: list[Request] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)
    models: tuple[str, ...] = ("n3",)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def base_url(self) -> str:
        """Where the API lives."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def calls(self) -> int:
        """How many answers were asked of models."""
        return sum(request.method == "POST" for request in self.requests)

    @property
    def open(self) -> int:
        """How many connections are open now."""
        return sum(not connection.closed.is_set() for connection in self.connections)

    async def __aenter__(self) -> Upstream:
        await self.begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def begin(self) -> None:
        """Listen; after a `kill` at the same address."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def kill(self) -> None:
        """Nobody listens any more, and every connection is cut."""
        self._server.close()
        for connection in self.connections:
            connection.abort()
        for connection in self.connections:
            await connection.ended()

    async def until(self, condition: Callable[[Upstream], bool]) -> None:
        """Wait until something about this provider holds, at most 5 s."""
        async with asyncio.timeout(5), self.changed:
            await self.changed.wait_for(lambda: condition(self))

    def told(self) -> None:
        """Something changed."""
        task = asyncio.ensure_future(self._tell())
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)

    def how(self, request: Request) -> Behaviour:
        """The behaviour for a request: the script's next, or what the model's name says."""
        if self.script:
            return behaviour(self.script.popleft())
        return behaviour(str(request.json.get("model", "")))

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()


_tasks: set[asyncio.Future[None]] = set()


class Connection(asyncio.Protocol):
    """One client. `closed` is set, and `closed_at` told, when it is gone."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.closed = asyncio.Event()
        self.closed_at: float | None = None
        self.sent = 0
        self._got = b""
        self._task: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.upstream.connections.append(self)
        self.upstream.told()

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, found, rest = self._got.partition(b"\r\n\r\n")
        if not found:
            return
        line, *lines = head.decode("latin-1").split("\r\n")
        headers = {k.lower(): v for k, _, v in (text.partition(": ") for text in lines)}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return
        self._got = rest[length:]
        method, path, _ = line.split(" ")
        request = Request(method, path, headers, rest[:length], self)
        self.upstream.requests.append(request)
        self.upstream.told()
        self._task = asyncio.ensure_future(answer(self, request))

    def pause_writing(self) -> None:
        self._writable.clear()
        self.upstream.told()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed_at = time.monotonic()
        self.closed.set()
        if self._task is not None:
            self._task.cancel()
        self._writable.set()
        self.upstream.told()

    @property
    def may_write(self) -> bool:
        """The client reads what is sent to it."""
        return self._writable.is_set()

    async def send(self, data: bytes) -> None:
        """Write, as fast as the client reads."""
        self.sent += len(data)
        self._transport.write(data)
        await self._writable.wait()
        await asyncio.sleep(0)  # or a broken connection would never be told

    def finish(self) -> None:
        """FIN."""
        self._transport.close()

    def abort(self) -> None:
        """Give up."""
        self._transport.abort()

    def reset(self) -> None:
        """RST."""
        raw: socket.socket = self._transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    async def ended(self) -> None:
        """Wait until nothing runs for this client."""
        if self._task is not None:
            await asyncio.wait([self._task])
        await self.closed.wait()
