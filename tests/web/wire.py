"""Stand-ins for the two sides of a stream: an ASGI server, and the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx2
from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware
from starlette.types import Message, Scope

from talkwire.canon.errors import IdempotencyMismatch, NotFound
from talkwire.canon.events import Stamped
from talkwire.canon.records import Idempotency, Started, StoredMessage, TurnRecord
from talkwire.canon.turn import TurnRequest, text_message
from talkwire.engine.ports import Caller
from talkwire.engine.reader import Log, Reader
from talkwire.web import auth, faults, limits
from talkwire.web.principals import LOCAL, PRINCIPAL
from tests.cases.turns import SESSION, TURN


class Client:
    """The server's side of one connection: takes what is sent, and can stop to."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.left = asyncio.Event()
        self.reading = asyncio.Event()
        self.reading.set()
        self.came = asyncio.Condition()

    async def receive(self) -> Message:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        await self.reading.wait()
        self.sent.append(message)
        async with self.came:
            self.came.notify_all()

    async def until(self, count: int) -> None:
        """Wait for `count` messages, the head among them."""
        async with asyncio.timeout(5), self.came:
            await self.came.wait_for(lambda: len(self.sent) >= count)

    @property
    def bodies(self) -> list[bytes]:
        return [m["body"] for m in self.sent if m["type"] == "http.response.body"]

    @property
    def body(self) -> bytes:
        return b"".join(self.bodies)

    @property
    def complete(self) -> bool:
        """True once the last chunk was sent."""
        last = self.sent[-1]
        return last["type"] == "http.response.body" and not last.get("more_body", False)


def scope(
    path: str = "/", method: str = "GET", headers: dict[str, str] | None = None, query: str = ""
) -> Scope:
    named = {"host": "localhost", **(headers or {})}
    return {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(k.lower().encode(), v.encode()) for k, v in named.items()],
        PRINCIPAL: LOCAL,
    }


def reader(log: Log) -> Reader:
    return Reader(log, turn_id=TURN, session_id=SESSION)


class OneTurn:
    """An engine with one turn, whose events are given; it remembers what it was asked."""

    def __init__(self, events: Sequence[Stamped] = ()) -> None:
        self.log = Log(events)
        self.stored: Log | None = None  # what storage has, where that is more
        self.asked: list[TurnRequest] = []
        self.keys: list[Idempotency | None] = []
        self.callers: list[Caller | None] = []
        self.key_ids: list[str | None] = []
        self.running: list[str] = []
        self.used: dict[str, str] = {}  # keys that name the turn, and what they stand for
        self.decisions: list[tuple[bool, str | None]] = []
        self.reads = 0
        self.aborts: list[str] = []

    def _known(self, turn_id: str) -> TurnRecord:
        if turn_id != TURN:
            raise NotFound("There is no such turn.")
        return TurnRecord(TURN, SESSION, "local", "native", "running", 1)

    async def start(
        self,
        owner: str,
        request: TurnRequest,
        *,
        idempotency: Idempotency | None = None,
        caller: Caller | None = None,
        key_id: str | None = None,
    ) -> Started:
        self.asked.append(request)
        self.keys.append(idempotency)
        self.callers.append(caller)
        self.key_ids.append(key_id)
        return Started(self._known(TURN), fresh=True)

    async def known(self, owner: str, wanted: Idempotency) -> TurnRecord | None:
        if self.used.get(wanted.key, wanted.fingerprint) != wanted.fingerprint:
            raise IdempotencyMismatch("The key is taken.")
        return self._known(TURN) if wanted.key in self.used else None

    async def read(self, owner: str, turn_id: str, *, stored: bool = False) -> Reader:
        self._known(turn_id)
        self.reads += 1
        return reader(self.stored if stored and self.stored is not None else self.log)

    async def decide(
        self,
        owner: str,
        call_id: str,
        *,
        approve: bool,
        reason: str | None = None,
        idempotency: Idempotency | None = None,
        caller: Caller | None = None,
        key_id: str | None = None,
    ) -> Started:
        if call_id != "call_1":
            raise NotFound("No such call waits for a decision.")
        self.decisions.append((approve, reason))
        self.keys.append(idempotency)
        self.callers.append(caller)
        self.key_ids.append(key_id)
        return Started(self._known(TURN), fresh=True)

    async def under_way(self, owner: str, session_id: str) -> list[str]:
        return self.running if session_id == SESSION else []

    async def record(self, owner: str, turn_id: str) -> TurnRecord:
        return self._known(turn_id)

    async def request(self, owner: str, turn_id: str) -> TurnRequest:
        self._known(turn_id)
        return TurnRequest(session_id=SESSION, wire="native", parts=(), parent_id="msg_first_in")

    async def message(self, owner: str, message_id: str) -> StoredMessage:
        if not message_id.startswith(f"msg_{TURN}"):
            raise NotFound("There is no such message.")
        role: Any = "user" if message_id.endswith("_in") else "assistant"
        return StoredMessage(text_message(message_id, role, "Hello"), SESSION, None, TURN, 1)

    async def abort(self, owner: str, turn_id: str, by: str = "client") -> TurnRecord:
        self.aborts.append(turn_id)
        return self._known(turn_id)


def client_of(*routers: APIRouter) -> httpx2.AsyncClient:
    """A client of an application with the web layer as it is in use, and these routes."""
    app = FastAPI(
        exception_handlers=faults.HANDLERS,
        middleware=[
            Middleware(faults.Faults),
            Middleware(limits.Limits),
            Middleware(auth.Trust, hosts=()),
        ],
    )
    for router in routers:
        app.include_router(router)
    transport = httpx2.ASGITransport(app=app)
    return httpx2.AsyncClient(transport=transport, base_url="http://localhost")
