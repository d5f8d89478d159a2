"""A path of two wires: fields, listeners and cursors tell whose a request is."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from msgspec.structs import replace
from starlette.middleware import Middleware

from talkwire.canon.records import TurnRecord
from talkwire.web import auth, faults, limits, shared_path
from talkwire.web.listeners import Listener, Listeners
from talkwire.wires.responses_sse.encode import Encoder as ResponsesEncoder
from talkwire.wires.responses_sse.routes import Chat as ResponsesChat
from talkwire.wires.support.encode import Encoder, EventSourceEncoder
from talkwire.wires.support.routes import Chat as SupportChat
from tests.cases.turns import CASES, SESSION, TURN
from tests.web.wire import OneTurn

PATH = "/chat/stream"
CASE = CASES["scene_answer"]
RESPONSES = ResponsesEncoder(TURN, SESSION).feed(CASE)
LINES = Encoder(TURN, SESSION).feed(CASE)
SOURCE = EventSourceEncoder(TURN, SESSION).feed(CASE)
BOTH = ("responses-sse", "support")
FIELDS: dict[str, dict[str, str]] = {
    "input": {"input": "Hi"},
    "user_query": {"user_query": "Hi"},
    "both": {"input": "Hi", "user_query": "Hi"},
    "neither": {"thread_id": "t"},
}
PORTS = {"responses-sse": 8084, "support": 8000, "both": 9000}


class Turns(OneTurn):
    """Its turn is one of this wire."""

    wire = "support"

    def _known(self, turn_id: str) -> TurnRecord:
        return replace(super()._known(turn_id), wire=self.wire)


def client_of(turns: OneTurn, wires: Sequence[str], port: int = 0) -> httpx2.AsyncClient:
    """A client of the path with these wires; with a port, of the listener there."""
    ways = [way for way in (ResponsesChat(turns), SupportChat(turns)) if way.wire in wires]
    routes = shared_path.router(PATH, turns, ways)
    listeners = [Listener("127.0.0.1", PORTS[wire], frozenset({wire})) for wire in wires]
    listeners.append(Listener("127.0.0.1", PORTS["both"]))
    middleware = [Middleware(faults.Faults), Middleware(limits.Limits)]
    middleware += [Middleware(auth.Trust, hosts=())]
    if port:
        of = {wire: routes.routes for wire in wires}
        middleware += [Middleware(Listeners, listeners=listeners, routes=of)]
    app = FastAPI(exception_handlers=faults.HANDLERS, middleware=middleware)
    app.include_router(routes)
    transport = httpx2.ASGITransport(app=app)
    return httpx2.AsyncClient(transport=transport, base_url=f"http://127.0.0.1:{port or 80}")


async def ask(
    method: str,
    fields: dict[str, str],
    *,
    wires: Sequence[str] = BOTH,
    port: int = 0,
    cursor: int | None = None,
    of: str = "support",
) -> tuple[OneTurn, httpx2.Response]:
    turns = Turns(CASE)
    turns.wire = of
    headers = {} if cursor is None else {"Last-Event-ID": f"{TURN}:{cursor}"}
    async with client_of(turns, wires, port) as client:
        given: dict[str, Any] = {"json": fields} if method == "POST" else {"params": fields}
        return turns, await client.request(method, PATH, headers=headers, **given)


def frames(wire: str, method: str) -> list[bytes]:
    if wire == "responses-sse":
        return RESPONSES
    return LINES if method == "POST" else SOURCE


def rest(wire: str, method: str, cursor: int) -> bytes:
    """What is behind this frame; of the form without the first one, numbers begin at 1."""
    behind = cursor + 1 - (wire == "support" and method == "POST")
    return b"".join(frames(wire, method)[behind:])


def named(response: httpx2.Response) -> list[str]:
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    return [each["field"] for each in response.json()["errors"]]


METHOD = pytest.mark.parametrize("method", ["POST", "GET"])
WIRE = pytest.mark.parametrize(("wire", "field"), [(BOTH[0], "input"), (BOTH[1], "user_query")])


@METHOD
@WIRE
@pytest.mark.parametrize("port", [0, PORTS["both"]])
async def test_a_field_tells_the_wire(method: str, wire: str, field: str, port: int) -> None:
    turns, response = await ask(method, {field: "Hi"}, port=port)

    assert response.content == b"".join(frames(wire, method))
    assert [asked.wire for asked in turns.asked] == [wire]
    assert turns.asked[0].text == "Hi"


@METHOD
@pytest.mark.parametrize("fields", ["both", "neither"])
async def test_both_fields_or_none_of_them_is_an_error_that_names_both(
    method: str, fields: str
) -> None:
    turns, response = await ask(method, FIELDS[fields])

    assert named(response) == ["input", "user_query"]
    assert turns.asked == []


@METHOD
@WIRE
@pytest.mark.parametrize("by", ["settings", "listener"])
async def test_where_one_wire_is_alone_the_other_one_s_field_is_unknown(
    method: str, wire: str, field: str, by: str
) -> None:
    alone: dict[str, Any] = {"wires": (wire,)} if by == "settings" else {"port": PORTS[wire]}
    for fields in FIELDS.values():
        turns, response = await ask(method, fields, **alone)

        if field in fields:
            assert response.content == b"".join(frames(wire, method))
            assert [asked.wire for asked in turns.asked] == [wire]
        else:
            assert named(response) == [field]
            assert turns.asked == []


@METHOD
@pytest.mark.parametrize(
    ("fields", "of"), list(itertools.product(FIELDS, (*BOTH, "native", "tool-chat")))
)
async def test_a_cursor_is_answered_in_the_request_s_dialect_or_else_the_turn_s(
    method: str, fields: str, of: str
) -> None:
    wire = {"input": "responses-sse", "user_query": "support"}.get(fields)
    wire = wire or ("support" if of == "support" else "responses-sse")
    for cursor in (1, len(frames(wire, method)) - 2):
        turns, response = await ask(method, FIELDS[fields], cursor=cursor, of=of)

        assert response.status_code == 200
        assert response.content == rest(wire, method, cursor)
        assert turns.asked == []


@METHOD
@WIRE
@pytest.mark.parametrize("by", ["settings", "listener"])
async def test_a_cursor_is_answered_by_the_wire_that_is_there_alone(
    method: str, wire: str, field: str, by: str
) -> None:
    alone: dict[str, Any] = {"wires": (wire,)} if by == "settings" else {"port": PORTS[wire]}
    for fields, of in itertools.product(FIELDS.values(), BOTH):
        _, response = await ask(method, fields, cursor=1, of=of, **alone)

        assert response.content == rest(wire, method, 1)


@METHOD
@WIRE
async def test_nothing_is_left_behind_the_last_frame(method: str, wire: str, field: str) -> None:
    last = len(frames(wire, method)) - (wire == "responses-sse" or method == "GET")

    _, response = await ask(method, {field: "Hi"}, cursor=last)

    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["x-turn-id"] == TURN


@METHOD
@pytest.mark.parametrize("cursor", ["x", f"{TURN}:-1", f"{TURN}:99"])
async def test_a_cursor_that_cannot_be_is_refused(method: str, cursor: str) -> None:
    async with client_of(Turns(CASE), BOTH) as client:
        headers = {"Last-Event-ID": cursor}
        for fields in FIELDS.values():
            given: dict[str, Any] = {"json": fields} if method == "POST" else {"params": fields}
            response = await client.request(method, PATH, headers=headers, **given)

            assert (response.status_code, response.json()["code"]) == (400, "bad_last_event_id")


@pytest.mark.parametrize("body", [b"", b"rubbish", b"[1]", b'{"input":"x"', b"\xff"])
async def test_with_a_cursor_the_body_need_not_be_right(body: bytes) -> None:
    async with client_of(Turns(CASE), BOTH) as client:
        headers = {"Last-Event-ID": f"{TURN}:1"}
        response = await client.post(PATH, content=body, headers=headers)

        assert response.content == rest("support", "POST", 1)
        headers["Content-Type"] = "text/plain"
        assert (await client.post(PATH, content=body, headers=headers)).content == response.content
        response = await client.get(f"{PATH}?input=%ff", headers=headers)
        assert response.content == rest("support", "GET", 1)


async def test_the_body_is_read_once() -> None:
    sent: list[int] = []

    async def body() -> Any:
        for piece in (b'{"user_', b'query":"Hi"}'):
            sent.append(len(piece))
            yield piece

    turns = Turns(CASE)
    async with client_of(turns, BOTH) as client:
        response = await client.post(PATH, content=body())

    assert response.content == b"".join(LINES)
    assert (sent, turns.asked[0].text) == ([7, 12], "Hi")


async def test_the_document_shows_one_of_both() -> None:
    async with client_of(Turns(CASE), BOTH) as client:
        path = (await client.get("/openapi.json")).json()["paths"][PATH]

    body = path["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert [each["required"] for each in body["oneOf"]] == [["input"], ["user_query"]]
    assert {"input", "user_query"} <= {each["name"] for each in path["get"]["parameters"]}
    assert "voiceId" in json.dumps(path["get"])
    assert path["post"]["tags"] == list(BOTH)
