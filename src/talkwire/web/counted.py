"""Requests as figures: which route was asked, what became of it, and how long its head took.

Streams are written behind all middleware, so that nothing here is done for what they send.
"""

from __future__ import annotations

from collections.abc import Collection
from time import perf_counter
from typing import Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from talkwire.web.edge import is_later

UNMATCHED = "other"


class Tell(Protocol):
    """Is told of each request, once: `seconds` are those until the head of the answer, `status` 0
    where there was none, `code` that of the error that it was.
    """

    def __call__(
        self, method: str, route: str, status: int, seconds: float, code: str | None
    ) -> None: ...


class Counted:
    """ASGI middleware, to be the outermost. A route is told by its template, never by what was
    asked for; `plain` are the paths that have no parameters, for requests that are answered before
    they reach a route. All others of those are `other`.
    """

    def __init__(self, app: ASGIApp, *, tell: Tell, plain: Collection[str]) -> None:
        self._app = app
        self._tell = tell
        self._plain = plain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and tell what came of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, took, status = perf_counter(), 0.0, 0

        async def heard(message: Message) -> None:
            nonlocal status, took
            if not status:
                status, took = message.get("status", 0), perf_counter() - began
            await send(message)

        try:
            await self._app(scope, receive, heard)
        finally:
            if is_later(scope):
                status = 200
            seconds = took or perf_counter() - began
            code: str | None = scope.get("talkwire.error")
            self._tell(scope["method"], self._route(scope), status, seconds, code)

    def _route(self, scope: Scope) -> str:
        template: str | None = getattr(scope.get("route"), "path", None)
        if template is not None:
            return template
        path: str = scope["path"]
        return path if path in self._plain else UNMATCHED
