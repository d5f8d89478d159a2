"""The application object: FastAPI, with a short way in and out for what is asked most."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol

import msgspec
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from talkwire.web.document import Doors, completed

_LATER = "talkwire.later"
ROUTE = "talkwire.route"  # where a request's scope holds the path of a route without parameters

Handler = Callable[[Request], Awaitable[Response]]


class Run(Protocol):
    """The rest of a response: see `later`."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


class Edge(FastAPI):
    """FastAPI, but for two things that cost a third of a turn and several calls a token.

    *In*: a path without parameters needs no router, and a handler that takes the request and
    answers with a response needs no dependencies. Such routes (`shorten`) stay in the router and
    in the OpenAPI document; requests for them go through the same middleware straight to the
    handler.

    *Out*: routing and a dozen layers of middleware decide what is answered; each keeps a coroutine
    and puts another one around `send`. A response that asks for it (`later`) is run when all of
    them have returned, with the server's own `send`.
    """

    doors = Doors()

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._included: list[BaseRoute] = []
        self._short: dict[tuple[str, str], Handler] = {}
        self._way: ASGIApp | None = None
        self.streams = 0  # responses that are written just now, without the middleware
        self.plain: set[str] = set()  # the paths of routes that have no parameters
        self._told: dict[str, Any] | None = None
        self._written = b""
        if self.openapi_url:  # before FastAPI's own route, which would write it on the event loop
            route = Route(self.openapi_url, self._document, include_in_schema=False)
            self.router.routes.insert(0, route)

    def shorten(self, routes: Iterable[BaseRoute]) -> None:
        """Go straight to the handlers of these routes where their paths have no parameters.

        The handlers take a `Request` alone and return a `Response`.
        """
        for route in routes:
            if isinstance(route, APIRoute) and "{" not in route.path:
                for method in route.methods or ():
                    self._short[method, route.path] = route.endpoint

    def openapi(self) -> dict[str, Any]:
        """The document of all routes; `doors` are what it tells of keys."""
        if self._told is None:
            self._told = completed(super().openapi(), self.routes, self.doors)
        return self._told

    async def _document(self, request: Request) -> Response:
        """It takes a third of a second, once: streams shall not wait for it."""
        if not self._written:
            self._written = await asyncio.to_thread(lambda: msgspec.json.encode(self.openapi()))
        return Response(self._written, media_type="application/json")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        waiting: list[Run] = []
        # A copy, since routing hangs the request's whole scaffolding on the scope it is given.
        inner = {**scope, _LATER: waiting, "talkwire.methods": self.methods}
        if scope["type"] == "http" and (scope["method"], scope["path"]) in self._short:
            inner[ROUTE] = scope["path"]
            if self._way is None:
                self._way = self._through_middleware(self._straight)
            await self._way(inner, receive, send)
        else:
            await super().__call__(inner, receive, send)
        if waiting:
            self.streams += 1
            try:
                await waiting[0](scope, receive, send)
            finally:
                self.streams -= 1

    def _through_middleware(self, app: ASGIApp) -> ASGIApp:
        for layer in reversed(self.user_middleware):
            app = layer.cls(app, *layer.args, **layer.kwargs)
        return app

    def include_router(self, router: APIRouter, *args: Any, **given: Any) -> None:
        """As FastAPI does it; see `methods` and `plain`."""
        super().include_router(router, *args, **given)
        self._included += router.routes
        paths = (getattr(route, "path", "{}") for route in router.routes)
        self.plain.update(path for path in paths if "{" not in path)

    def methods(self, scope: Scope) -> list[str]:
        """What the request's path takes, by all routes that have it: a router knows of one."""
        routes = [each for each in self._included if isinstance(each, APIRoute)]
        has = [each for each in routes if each.matches(scope)[0] is not Match.NONE]
        return sorted({method for each in has for method in each.methods or ()})

    async def _straight(self, scope: Scope, receive: Receive, send: Send) -> None:
        handler = self._short[scope["method"], scope["path"]]
        response = await handler(Request(scope, receive))
        await response(scope, receive, send)


def is_later(scope: Scope) -> bool:
    """Whether the response to this request is still to be run, behind the middleware."""
    return bool(scope.get(_LATER))


def later(scope: Scope, run: Run) -> bool:
    """Run the response behind the middleware; False where there is no `Edge` around it."""
    waiting: list[Run] | None = scope.get(_LATER)
    if waiting is None:
        return False
    waiting.append(run)
    return True
