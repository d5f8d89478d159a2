"""A line for each request, with what may be known of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, MutableMapping
from typing import Any

import httpx2
import pytest
import structlog
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from structlog.testing import capture_logs

from talkwire.canon.errors import NotFound
from talkwire.engine.reader import Log, Reader
from talkwire.web import faults
from talkwire.web.access_log import AccessLog
from talkwire.web.auth import Trust
from talkwire.web.edge import Edge
from talkwire.web.form import Form, StreamLimits
from talkwire.web.sse import EventStream
from tests.cases.turns import SESSION, TURN
from tests.web.wire import Client, scope

CANARY = "canary-in-a-query"
Lines = list[MutableMapping[str, Any]]


class Frames:
    def feed(self, batch: Any) -> list[bytes]:
        return [b"data: x\n\n" for _ in batch]


FORM = Form("test", lambda turn, session: Frames(), faults.problem)


@pytest.fixture
def lines() -> Iterator[Lines]:
    with capture_logs() as lines:
        yield lines
    structlog.contextvars.clear_contextvars()


def _app(log: Log | None = None) -> Edge:
    routes = APIRouter()

    async def static(request: Request) -> Response:
        return Response("hello")

    async def thing(request: Request) -> Response:
        raise NotFound("There is no such thing.")

    async def stream(request: Request) -> Response:
        reader = Reader(log or Log(), turn_id=TURN, session_id=SESSION)
        return EventStream(reader, FORM.encoder("", ""), FORM, StreamLimits())

    async def bug(request: Request) -> Response:
        raise KeyError("x")

    for path, handler in (
        ("/static", static),
        ("/health/liveness", static),
        ("/things/{thing_id}", thing),
        ("/stream", stream),
        ("/bug", bug),
    ):
        routes.add_api_route(path, handler, methods=["GET"], response_class=Response)
    app = Edge(exception_handlers=faults.HANDLERS)
    app.include_router(routes)
    app.shorten([route for route in routes.routes if "static" in str(getattr(route, "path", ""))])
    app.add_middleware(Trust, hosts=())
    app.add_middleware(faults.Faults)
    app.add_middleware(AccessLog)
    return app


async def _ask(path: str, **headers: str) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=_app())
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.get(path, headers=headers)


@pytest.mark.parametrize(
    ("path", "route", "status"),
    [
        (f"/static?input={CANARY}", "/static", 200),
        (f"/things/{CANARY}", "/things/{thing_id}", 404),
        (f"/nothing/{CANARY}", "unknown", 404),
        ("/bug", "/bug", 500),
        ("/openapi.json", "/openapi.json", 200),
    ],
)
async def test_a_request_is_one_line_without_what_people_write(
    path: str, route: str, status: int, lines: Lines
) -> None:
    answer = await _ask(path, **{"X-Request-Id": "mine"})

    (line,) = [each for each in lines if each["event"] == "http.request"]
    assert (line["method"], line["route"], line["status"]) == ("GET", route, status)
    assert line["bytes"] == len(answer.content)
    assert (line["principal"], line["request_id"]) == ("local", "mine")
    assert line["duration_ms"] >= 0
    assert "ended" not in line
    assert CANARY not in str(lines)


async def test_probes_that_are_well_are_no_news(lines: Lines) -> None:
    await _ask("/health/liveness")

    assert [line["log_level"] for line in lines] == ["debug"]


async def test_who_is_refused_is_nobody(lines: Lines) -> None:
    await _ask("/static", Host="elsewhere.example")

    (line,) = lines
    assert (line["status"], line["principal"]) == (421, None)


async def test_a_stream_is_told_when_it_ends_and_how(lines: Lines) -> None:
    log = Log()
    client = Client()
    asked = asyncio.create_task(_app(log)(scope("/stream"), client.receive, client.send))
    await client.until(1)
    assert lines == []

    log.cut()
    await asyncio.wait([asked])

    (line,) = lines
    assert (line["route"], line["status"], line["ended"]) == ("/stream", 200, "cut")
    assert line["bytes"] == len(client.body)


async def test_a_client_that_goes_has_left(lines: Lines) -> None:
    client = Client()
    asked = asyncio.create_task(_app()(scope("/stream"), client.receive, client.send))
    await client.until(1)

    client.left.set()
    async with asyncio.timeout(5):
        await asked

    assert [line["ended"] for line in lines] == ["left"]
