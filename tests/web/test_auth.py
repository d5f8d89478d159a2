"""Pages of other sites cannot use the user's own server."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from talkwire.canon.errors import BadRequest, Forbidden
from talkwire.web.auth import Misdirected, Trust, is_loopback
from talkwire.web.principals import PRINCIPAL, owner_of
from tests.web.wire import scope


async def pass_by(
    headers: dict[str, str],
    *,
    method: str = "POST",
    path: str = "/turns",
    hosts: Collection[str] | None = (),
) -> str:
    """The owner that an application behind the middleware sees."""
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(owner_of(Request(scope), "chat"))

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        raise AssertionError("nothing is sent here")

    trust = Trust(app, hosts=hosts, asking=("/chat/stream",))
    await trust(scope(path, method, headers), receive, send)
    return seen[0]


@pytest.mark.parametrize(
    "host", ["localhost", "LocalHost:8000", "localhost.", "127.0.0.1:1", "127.8.9.1", "[::1]:80"]
)
async def test_names_of_loopback_are_this_server(host: str) -> None:
    assert await pass_by({"host": host}) == "local"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", "[", ""])
async def test_other_names_are_not(host: str) -> None:
    with pytest.raises(Misdirected) as caught:
        await pass_by({"host": host})

    assert caught.value.status == 421


async def test_listed_names_are_and_a_server_may_take_any() -> None:
    assert await pass_by({"host": "chat.example:443"}, hosts=["Chat.Example"]) == "local"
    assert await pass_by({"host": "any.example"}, hosts=None) == "local"


async def test_a_request_without_a_host_is_refused() -> None:
    nameless = scope("/", "GET")
    nameless["headers"] = []

    async def never(*_: object) -> Any:
        raise AssertionError("must not be reached")

    with pytest.raises(BadRequest):
        await Trust(never, hosts=())(nameless, never, never)


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://["},
        {"origin": "http://localhost.evil.example"},
    ],
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/turns"), ("GET", "/chat/stream")])
async def test_other_sites_may_neither_change_nor_ask(
    headers: dict[str, str], method: str, path: str
) -> None:
    with pytest.raises(Forbidden):
        await pass_by(headers, method=method, path=path)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "same-origin", "origin": "http://localhost:8000"},
        {"sec-fetch-site": "same-site", "origin": "http://localhost:5173"},
        {"origin": "http://127.0.0.1:3000"},
    ],
)
async def test_own_pages_and_programs_may(headers: dict[str, str]) -> None:
    assert await pass_by(headers) == "local"


async def test_links_from_other_sites_may_be_followed() -> None:
    headers = {"sec-fetch-site": "cross-site"}

    assert await pass_by(headers, method="GET", path="/docs") == "local"


def test_loopback_is_a_range_and_a_suffix() -> None:
    assert is_loopback("a.localhost")
    assert not is_loopback("localhost.example")


async def test_who_asks_may_be_left_to_be_told_by_somebody_else() -> None:
    nameless = scope("/turns", "POST")
    del nameless[PRINCIPAL]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert PRINCIPAL not in scope

    async def never(*_: object) -> Any:
        raise AssertionError("must not be reached")

    await Trust(app, hosts=None, everyone=None)(nameless, never, never)
