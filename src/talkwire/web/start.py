"""From a decoded request to a stream: what all wires do alike.

A cursor wins over everything else that a request says: it resumes and starts nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import msgspec
import structlog
from msgspec import structs
from starlette.requests import Request
from starlette.responses import Response

from talkwire.canon.errors import BadCursor, BadRequest
from talkwire.canon.records import Idempotency, Started, StoredMessage, TurnRecord
from talkwire.canon.turn import TurnRequest
from talkwire.engine.ports import Caller
from talkwire.engine.reader import Reader
from talkwire.web import cursor
from talkwire.web.admission import before_turn, give_back, seated
from talkwire.web.faults import request_id_of
from talkwire.web.form import Form, StreamLimits
from talkwire.web.principals import owner_of, principal_of
from talkwire.web.sse import EventStream

KEPT_S = 24 * 3600.0  # how long an Idempotency-Key names its turn
JOIN_S = 10.0  # how long an identical GET joins the turn of the first one
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


class Turns(Protocol):
    """What the edge needs of the engine."""

    async def start(
        self,
        owner: str,
        request: TurnRequest,
        *,
        idempotency: Idempotency | None = None,
        caller: Caller | None = None,
        key_id: str | None = None,
    ) -> Started: ...
    async def known(self, owner: str, wanted: Idempotency) -> TurnRecord | None: ...
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
    ) -> Started: ...
    async def read(self, owner: str, turn_id: str, *, stored: bool = False) -> Reader: ...
    async def under_way(self, owner: str, session_id: str) -> list[str]: ...
    async def record(self, owner: str, turn_id: str) -> TurnRecord: ...
    async def request(self, owner: str, turn_id: str) -> TurnRequest: ...
    async def message(self, owner: str, message_id: str) -> StoredMessage: ...
    async def abort(self, owner: str, turn_id: str, by: str = "client") -> TurnRecord: ...


def idempotency_of(request: Request, body: object) -> Idempotency | None:
    """The request's `Idempotency-Key`; the fingerprint covers the path and the body.

    :raises BadRequest: not 1 … 255 visible ASCII characters.
    """
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if _KEY.fullmatch(key) is None:
        raise BadRequest(
            "Idempotency-Key must be 1 to 255 visible ASCII characters.", param="Idempotency-Key"
        )
    return Idempotency("key:" + key, digest([request.url.path, body]), KEPT_S)


def traceparent_of(request: Request) -> str:
    """The span that the request is part of, as the W3C's header names it; "" without a good one."""
    given = request.headers.get("traceparent", "")
    found = _TRACEPARENT.fullmatch(given)
    return given if found is not None and found[1] != "ff" and int(found[2], 16) else ""


def join_window(wire: str, asked: object) -> Idempotency:
    """Identical GETs within the window are one turn: EventSource repeats its GET by itself."""
    asked_digest = digest([wire, asked])
    return Idempotency("get:" + asked_digest, asked_digest, JOIN_S)


def digest(value: object) -> str:
    """SHA-256 of the value's canonical JSON, in hex."""
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()


@dataclass(frozen=True)
class Door:
    """One wire's way to the engine."""

    turns: Turns
    form: Form
    limits: StreamLimits

    def enter(self, request: Request, scope: str, *or_scopes: str) -> str:
        """Errors of this request take the wire's shape from now on; the owner's id.

        :raises Unauthorized, Forbidden: the principal has none of these scopes.
        """
        request.scope["talkwire.fault"] = self.form.fault
        return owner_of(request, scope, *or_scopes)

    async def resume(self, request: Request, turn_id: str | None = None) -> Response | None:
        """The stream after the request's cursor; None when it has none; 204 when all was seen.

        :raises BadCursor: malformed, of another turn than `turn_id`, or beyond the turn's head.
        :raises NotFound: no such turn.
        :raises RateLimited: the principal has too many streams open.
        """
        at = cursor.of(request)
        if at is None:
            return None
        if turn_id is not None and at.turn_id != turn_id:
            raise BadCursor("Last-Event-ID names another turn.", param="Last-Event-ID")
        owner = principal_of(request).id
        with seated(request) as seat:
            # What was seen beyond the log of this process, another one has told: it has carried
            # the turn on, and storage knows.
            for stored in (False, True):
                reader = await self.turns.read(owner, at.turn_id, stored=stored)
                try:
                    response = await self._after(reader, at.n + 1)
                except BaseException:
                    reader.close()
                    raise
                if response is None:
                    reader.close()
                    continue
                if seat is not None:
                    seat.sit(reader)
                if response.status_code == 204:
                    reader.close()
                return response
            raise BadCursor("Last-Event-ID is beyond what was sent.", param="Last-Event-ID")

    async def start(
        self,
        request: Request,
        turn: TurnRequest,
        idempotency: Idempotency | None,
        *,
        follow: bool = True,
        caller: Caller | None = None,
    ) -> Started:
        """Start the turn, or find the one that the key names; with `follow`, to be followed.
        `caller` is what the request brought for this turn alone.

        :raises RateLimited, BudgetExceeded: a limit is reached; nothing was started.
        """
        turn = structs.replace(
            turn, request_id=request_id_of(request.scope), traceparent=traceparent_of(request)
        )
        return await self.begin(
            request,
            partial(self.turns.start, request=turn, idempotency=idempotency, caller=caller),
            follow=follow,
        )

    async def begin(
        self, request: Request, how: Callable[..., Awaitable[Started]], *, follow: bool = True
    ) -> Started:
        """As `start`, in another way: `how` is given the owner, and by name the `key_id`."""
        await before_turn(request, follow=follow)
        principal = principal_of(request)
        try:
            started = await how(principal.id, key_id=principal.key_id)
        except BaseException:
            give_back(request)
            raise
        structlog.contextvars.bind_contextvars(
            turn_id=started.record.turn_id, session_id=started.record.session_id
        )
        return started

    async def follow(self, request: Request, turn_id: str) -> Response:
        """The turn's stream from its start. :raises NotFound: :raises RateLimited: as `start`."""
        reader = await self.reader(request, turn_id)
        encoder = self.form.encoder(reader.turn_id, reader.session_id)
        return EventStream(reader, encoder, self.form, self.limits)

    async def reader(self, request: Request, turn_id: str) -> Reader:
        """A reader of the turn from its start, counted as a stream until it is closed.

        :raises NotFound: :raises RateLimited: as `start`.
        """
        with seated(request) as seat:
            reader = await self.turns.read(principal_of(request).id, turn_id)
            if seat is not None:
                seat.sit(reader)
            return reader

    async def _after(self, reader: Reader, seen: int) -> Response | None:
        """Encode from event 0, as live, until a frame comes that was not seen; None when there
        are fewer than were seen."""
        encoder = self.form.encoder(reader.turn_id, reader.session_id)
        count = self.form.first
        head: list[bytes] = []
        while not head and (batch := reader.ready()):
            frames = encoder.feed(batch)
            head = frames[max(0, seen - count) :]
            count += len(frames)
            await asyncio.sleep(0)  # a long turn must not hold up the other streams
        if count < seen:
            return None
        if not head and reader.ended:
            return Response(status_code=204, headers=_names(reader))
        return EventStream(reader, encoder, self.form, self.limits, head=head)


def _names(reader: Reader) -> dict[str, str]:
    return {"X-Turn-Id": reader.turn_id, "X-Session-Id": reader.session_id}
