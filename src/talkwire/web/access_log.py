"""One line for each request: who asked for what, and what came of it.

The line has the route and not the path: paths hold ids, and queries what people write. That of a
stream comes when it ends, and tells how it did: `whole`, `left` (the client went), `cut` (it may
resume), `too_slow` (the client took nothing any more) or `broken`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

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
    """A request that is being answered. `end` is called by a response that outlives it."""

    __slots__ = ("_tell", "sent_bytes", "status")

    def __init__(self, tell: Callable[[Visit, str], None]) -> None:
        self.status = 0
        self.sent_bytes = 0
        self._tell = tell

    def end(self, status: int, sent_bytes: int, ended: str) -> None:
        """The stream is over."""
        self.status, self.sent_bytes = status, sent_bytes
        self._tell(self, ended)


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
        began = self._clock()
        visit = Visit(lambda visit, ended: _tell(scope, visit, self._clock() - began, ended))
        scope[_VISIT] = visit

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
            if ended or not is_later(scope):
                _tell(scope, visit, self._clock() - began, ended)


def route_of(scope: Scope) -> str:
    """The path of the route that was reached, with the names of its parameters."""
    if ROUTE in scope:
        return str(scope[ROUTE])
    if (path := getattr(scope.get("route"), "path", None)) is not None:
        return str(path)
    # Whatever matched without parameters has the path that was asked for.
    return str(scope["path"]) if "endpoint" in scope and not scope["path_params"] else UNKNOWN


def _tell(scope: Scope, visit: Visit, took_s: float, ended: str) -> None:
    principal: Principal | None = scope.get(PRINCIPAL)
    route = route_of(scope)
    quiet = route.startswith(_PROBES) and visit.status < 400 and not ended
    say = _log.debug if quiet else _log.info
    say(
        "http.request",
        method=scope["method"],
        route=route,
        status=visit.status or None,
        duration_ms=round(took_s * 1000, 1),
        bytes=visit.sent_bytes,
        principal=None if principal is None else principal.id,
        request_id=scope.get("talkwire.request_id"),
        **({"ended": ended} if ended else {}),
    )
