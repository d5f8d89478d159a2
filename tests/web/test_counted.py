"""Every request is told once, by its template, whatever became of it."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import httpx2
import pytest
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from talkwire.canon.errors import Conflict, Unauthorized
from talkwire.web.counted import Counted
from talkwire.web.edge import Edge, later
from talkwire.web.faults import HANDLERS, Faults


class Told(NamedTuple):
    method: str
    route: str
    status: int
    code: str | None


class Streamed(Response):
    """A response that is written behind all middleware."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert later(scope, super().__call__)


class Refusing:
    """Middleware that lets nobody through to `/closed`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith("/closed"):
            raise Unauthorized("A key is needed.")
        await self._app(scope, receive, send)


class Server:
    def __init__(self) -> None:
        self.told: list[Told] = []
        self.seconds: list[float] = []
        self.streams: list[int] = []
        routes = APIRouter()
        handlers = (
            ("/things/{name}", self.thing),
            ("/stream", self.stream),
            ("/busy", self.busy),
            ("/bug", self.bug),
            ("/closed", self.thing),
        )
        for path, handler in handlers:
            routes.add_api_route(path, handler, methods=["GET"], response_class=Response)
        self.app = Edge(exception_handlers=HANDLERS)
        self.app.include_router(routes)
        self.app.shorten(route for route in routes.routes if "stream" in str(route))
        self.app.add_middleware(Refusing)
        self.app.add_middleware(Faults)
        self.app.add_middleware(Counted, tell=self.tell, plain=self.app.plain)

    def tell(self, method: str, route: str, status: int, seconds: float, code: str | None) -> None:
        self.told.append(Told(method, route, status, code))
        self.seconds.append(seconds)
        self.streams.append(self.app.streams)

    async def thing(self, request: Request) -> Response:
        return Response(b"x")

    async def stream(self, request: Request) -> Response:
        return Streamed(b"x")

    async def busy(self, request: Request) -> Response:
        raise Conflict("Not now.")

    async def bug(self, request: Request) -> Response:
        raise ZeroDivisionError

    async def ask(self, *paths: str, method: str = "GET") -> list[Told]:
        transport = httpx2.ASGITransport(app=self.app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://x") as client:
            for path in paths:
                await client.request(method, path)
        return self.told


@pytest.fixture
def server() -> Server:
    return Server()


async def test_a_route_is_told_by_its_template(server: Server) -> None:
    assert await server.ask("/things/a", "/things/b") == 2 * [
        Told("GET", "/things/{name}", 200, None)
    ]
    assert all(0 < each < 60 for each in server.seconds)


async def test_a_stream_counts_once_and_before_it_is_written(server: Server) -> None:
    assert await server.ask("/stream") == [Told("GET", "/stream", 200, None)]
    assert server.streams == [0]
    assert server.app.streams == 0


async def test_what_is_no_route_is_one_label(server: Server) -> None:
    told = await server.ask("/nope", "/things", "/things/a/b/c")

    assert set(told) == {Told("GET", "other", 404, "not_found")}


async def test_errors_are_told_with_their_code(server: Server) -> None:
    assert await server.ask("/busy", "/bug") == [
        Told("GET", "/busy", 409, "conflict"),
        Told("GET", "/bug", 500, "internal_error"),
    ]
    (wrong,) = (await server.ask("/busy", method="DELETE"))[2:]
    assert wrong == Told("DELETE", "/busy", 405, "method_not_allowed")


async def test_who_is_refused_before_a_route_is_reached_is_told_where_the_path_is_known(
    server: Server,
) -> None:
    assert await server.ask("/closed", "/closed/x") == [
        Told("GET", "/closed", 401, "unauthorized"),
        Told("GET", "other", 401, "unauthorized"),
    ]


async def test_a_request_without_an_answer_is_told_too(server: Server) -> None:
    async def silent(scope: Scope, receive: Receive, send: Send) -> None:
        raise asyncio.CancelledError

    counted = Counted(silent, tell=server.tell, plain=())
    with pytest.raises(asyncio.CancelledError):
        await counted({"type": "http", "method": "GET", "path": "/x"}, _nothing, _sink)

    assert server.told == [Told("GET", "other", 0, None)]


async def test_what_is_no_request_is_passed_on(server: Server) -> None:
    seen: list[str] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    await Counted(inner, tell=server.tell, plain=())({"type": "lifespan"}, _nothing, _sink)

    assert (seen, server.told) == (["lifespan"], [])


async def _nothing() -> dict[str, str]:
    return {"type": "http.disconnect"}


async def _sink(message: object) -> None:
    raise AssertionError("nothing is sent")
