"""One line for each request: who asked for what, and what came of it.

The line has the route and not the path: paths hold ids, and queries what people write. That of a
stream comes when it ends, and tells how it did: `whole`, `left` (the client went), `cut` (it may
resume), `too_slow` (the client took nothing any more) or `broken`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from talkwire.web.edge import ROUTE, is_later
from talkwire.web.principals import PRINCIPAL, Principal

UNKNOWN = "unknown"
"""The route of a request that reached none."""

_VISIT = "talkwire.visit"
_PROBES = ("/health", "/metrics")
_log = structlog.get_logger("talkwire.access")


class Visit:
    """A request that is being answered. `end` is called by a response that outlives it: by then
    nothing is held of the request but what its line tells.
    """

    __slots__ = ("_began", "_clock", "_told", "sent_bytes", "status")

    def __init__(self, clock: Callable[[], float]) -> None:
        self.status = 0
        self.sent_bytes = 0
        self._clock = clock
        self._began = clock()
        self._told: dict[str, Any] = {}

    def note(self, scope: Scope) -> None:
        """Who asks for what, once that is known."""
        principal: Principal | None = scope.get(PRINCIPAL)
        self._told = {
            "method": scope["method"],
            "route": route_of(scope),
            "principal": None if principal is None else principal.id,
            "request_id": scope.get("talkwire.request_id"),
        }

    def end(self, status: int, sent_bytes: int, ended: str = "") -> None:
        """The answer is over; `ended` tells how, where it was a stream or broke off."""
        quiet = str(self._told["route"]).startswith(_PROBES) and status < 400 and not ended
        say = _log.debug if quiet else _log.info
        say(
            "http.request",
            **self._told,
            status=status or None,
            duration_ms=round((self._clock() - self._began) * 1000, 1),
            bytes=sent_bytes,
            **({"ended": ended} if ended else {}),
        )


def visit_of(scope: Scope) -> Visit | None:
    """The visit that a stream has to end; None where nobody writes it down."""
    visit: Visit | None = scope.get(_VISIT)
    return visit if visit is not None and is_later(scope) else None


class AccessLog:
    """ASGI middleware, outside of whatever may answer. Probes that are answered well are told at
    the level of debug.
    """

    def __init__(self, app: ASGIApp, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and write down what came of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        visit = scope[_VISIT] = Visit(self._clock)

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                visit.status = message["status"]
            else:
                visit.sent_bytes += len(message.get("body", b""))
            await send(message)

        ended = "broken"
        try:
            await self._app(scope, receive, counted)
            ended = ""
        finally:
            visit.note(scope)
            if ended or not is_later(scope):
                visit.end(visit.status, visit.sent_bytes, ended)


def route_of(scope: Scope) -> str:
    """The path of the route that was reached, with the names of its parameters."""
    if ROUTE in scope:
        return str(scope[ROUTE])
    if (path := getattr(scope.get("route"), "path", None)) is not None:
        return str(path)
    # Whatever matched without parameters has the path that was asked for.
    return str(scope["path"]) if "endpoint" in scope and not scope["path_params"] else UNKNOWN
