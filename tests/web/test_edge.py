"""A stream is run when all middleware has returned, with the server's own `send`."""

from __future__ import annotations

import httpx2
import pytest
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from talkwire.web import faults
from talkwire.web.edge import Edge, later
from tests.web.wire import Client, scope


class Streamed(Response):
    """A response that asks to be run later."""

    def __init__(self, told: list[str]) -> None:
        self.told = told
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert later(scope, self._run)
        self.told.append("asked")

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.told.append("run")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})


class Around:
    """Middleware that tells when it returns, and would tell of each message."""

    def __init__(self, app: ASGIApp, told: list[str]) -> None:
        self._app = app
        self._told = told

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def tell(message: Message) -> None:
            self._told.append("seen by the middleware")
            await send(message)

        await self._app(scope, receive, tell)
        self._told.append("middleware returned")


async def _receive() -> Message:
    return {"type": "http.disconnect"}


async def _served(app: ASGIApp, path: str) -> list[str]:
    sent: list[str] = []

    async def send(message: Message) -> None:
        sent.append(str(message["type"]))

    await app({**scope(path), "root_path": ""}, _receive, send)
    return sent


async def test_a_stream_runs_behind_the_middleware_and_past_it() -> None:
    told: list[str] = []
    app = Edge()
    app.add_middleware(Around, told=told)

    async def stream(request: Request) -> Response:
        return Streamed(told)

    app.add_api_route("/stream", stream, response_class=Response)

    assert await _served(app, "/stream") == ["http.response.start", "http.response.body"]
    assert told == ["asked", "middleware returned", "run"]


async def test_any_other_answer_goes_through_the_middleware() -> None:
    told: list[str] = []
    app = Edge()
    app.add_middleware(Around, told=told)

    assert await _served(app, "/nowhere") == ["http.response.start", "http.response.body"]
    assert told == ["seen by the middleware"] * 2 + ["middleware returned"]


async def test_a_shortened_route_is_answered_inside_the_middleware_as_any_other() -> None:
    told: list[str] = []
    app = Edge()
    app.add_middleware(Around, told=told)
    streams = APIRouter()

    async def stream(request: Request) -> Response:
        told.append(request.method)
        return Streamed(told)

    async def plain(request: Request) -> Response:
        return Response()

    streams.add_api_route("/stream", stream, methods=["GET", "POST"], response_class=Response)
    streams.add_api_route("/plain", plain, response_class=Response)
    app.include_router(streams)
    app.shorten(streams.routes)

    assert await _served(app, "/stream") == ["http.response.start", "http.response.body"]
    assert told == ["GET", "asked", "middleware returned", "run"]
    told.clear()
    assert await _served(app, "/plain") == ["http.response.start", "http.response.body"]
    assert told == ["seen by the middleware"] * 2 + ["middleware returned"]


@pytest.mark.parametrize("shortened", [True, False])
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/here", 200),
        ("POST", "/here", 405),
        ("HEAD", "/here", 405),
        ("GET", "/here/", 307),
        ("GET", "/here/below", 200),
        ("GET", "/nowhere", 404),
    ],
)
async def test_a_short_way_changes_no_answer(
    shortened: bool, method: str, path: str, status: int
) -> None:
    async def handler(request: Request) -> Response:
        return Response()

    app, routes = Edge(), APIRouter()
    routes.add_api_route("/here", handler, response_class=Response)
    routes.add_api_route("/here/{name}", handler, response_class=Response)
    app.include_router(routes)
    if shortened:
        app.shorten(routes.routes)
    client = Client()
    await app({**scope(path, method), "root_path": ""}, client.receive, client.send)

    assert client.sent[0]["status"] == status


async def test_without_an_edge_nothing_is_run_later() -> None:
    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("nobody would run it")

    assert not later(scope("/"), run)


async def _nothing(request: Request) -> Response:
    return Response()


async def test_what_a_path_takes_is_told_of_all_its_routes() -> None:
    app = Edge(exception_handlers=faults.HANDLERS)
    for method in ("GET", "DELETE"):
        routes = APIRouter()
        routes.add_api_route("/things/{thing_id}", _nothing, methods=[method])
        routes.add_api_route("/others", _nothing, methods=["PUT"])
        app.include_router(routes)
    transport = httpx2.ASGITransport(app=app)

    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        refused = await client.post("/things/1")
        unknown = await client.post("/nothing")

    assert (refused.status_code, refused.headers["allow"]) == (405, "DELETE, GET")
    assert unknown.status_code == 404
    assert "allow" not in unknown.headers
