"""Each listener serves its own wires, and what belongs to no wire."""

from __future__ import annotations

import pytest
from fastapi import APIRouter
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from talkwire.canon.errors import NotFound
from talkwire.web.listeners import Listener, Listeners, served_here
from tests.web.wire import scope

PORTS = (8001, 8002, 8003)


def _routes(*paths: str) -> APIRouter:
    async def handler() -> Response:
        return Response()

    router = APIRouter()
    for path in paths:
        router.add_api_route(path, handler, methods=["POST"])
    return router


@pytest.fixture
def listeners() -> Listeners:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["seen"].append(served_here(scope))

    first, second = _routes("/turns", "/turns/{turn_id}", "/both"), _routes("/chat/stream", "/both")
    return Listeners(
        app,
        listeners=[
            Listener("127.0.0.1", 8001, frozenset({"first"})),
            Listener("0.0.0.0", 8002, frozenset({"second"})),  # noqa: S104 - compared, not bound
            Listener("127.0.0.1", 8003),
        ],
        routes={"first": first.routes, "second": second.routes},
    )


async def is_there(
    listeners: Listeners,
    port: int,
    path: str,
    host: str = "127.0.0.1",
    seen: list[frozenset[str] | None] | None = None,
) -> bool:
    async def receive() -> Message:
        raise AssertionError("nothing is read here")

    async def send(message: Message) -> None:
        raise AssertionError("nothing is sent here")

    try:
        seen = [] if seen is None else seen
        here = {**scope(path, "POST"), "server": (host, port), "seen": seen}
        await listeners(here, receive, send)
    except NotFound:
        return False
    return True


@pytest.mark.parametrize(
    ("path", "ports"),
    [
        ("/turns", (8001, 8003)),
        ("/turns/t_1", (8001, 8003)),
        ("/chat/stream", (8002, 8003)),
        ("/both", PORTS),
        ("/health", PORTS),
        ("/nowhere", PORTS),
    ],
)
async def test_a_path_is_where_its_wire_is(
    listeners: Listeners, path: str, ports: tuple[int, ...]
) -> None:
    assert [port for port in PORTS if await is_there(listeners, port, path)] == list(ports)


async def test_an_address_behind_a_wildcard_is_known_by_its_port(listeners: Listeners) -> None:
    assert not await is_there(listeners, 8002, "/turns", host="192.0.2.7")


async def test_an_address_that_is_no_listener_serves_everything(listeners: Listeners) -> None:
    assert await is_there(listeners, 9000, "/turns")


async def test_a_path_of_several_wires_is_told_which_of_them_are_there(
    listeners: Listeners,
) -> None:
    seen: list[frozenset[str] | None] = []
    for port in (*PORTS, 9000):
        await is_there(listeners, port, "/both", seen=seen)

    assert seen == [{"first"}, {"second"}, None, None]
