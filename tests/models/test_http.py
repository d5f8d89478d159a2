"""The client: what it keeps, what it replaces, and what it refuses."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from talkwire.canon.errors import ModelError, UpstreamTimeout, UpstreamUnavailable
from talkwire.models import _http
from talkwire.models._document import whole
from talkwire.models._http import Client, Limits, origin
from talkwire.models.health import Crowded
from tests.models.conftest import KEY, MakeModel, ask, listen
from tests.upstream.server import Upstream

QUICK = Limits(connect_s=2, first_token_s=2, idle_s=2)


@pytest.fixture
async def client(upstream: Upstream) -> AsyncIterator[Client]:
    client = Client(origin(upstream.base_url), KEY, QUICK)
    yield client
    await client.close()


async def get(client: Client) -> int:
    answer = await client.ask("GET", "/models")
    await whole(answer, 10_000)
    answer.close()
    return answer.status


async def test_one_connection_serves_one_answer_after_another(
    make_model: MakeModel, upstream: Upstream
) -> None:
    model = make_model()

    for _ in range(5):
        assert (await listen(model, ask("n3"))).error is None

    assert (upstream.calls, len(upstream.connections)) == (5, 1)


async def test_there_is_no_small_limit_of_connections(
    make_model: MakeModel, upstream: Upstream
) -> None:
    model = make_model()

    heard = await asyncio.gather(*(listen(model, ask("n2-i50")) for _ in range(200)))

    assert {answer.text for answer in heard} == {"w0 w1 "}
    assert len(upstream.connections) == 200


async def test_the_limit_of_connections_is_told(upstream: Upstream) -> None:
    client = Client(origin(upstream.base_url), KEY, Limits(max_connections=1))
    answer = await client.ask("GET", "/models")

    with pytest.raises(Crowded, match="All 1 connections"):
        await client.ask("GET", "/models")

    answer.close()
    assert await get(client) == 200
    await client.close()


async def test_a_kept_connection_that_was_closed_is_replaced(
    client: Client, upstream: Upstream
) -> None:
    assert await get(client) == 200
    upstream.connections[0].finish()
    await upstream.connections[0].closed.wait()

    assert await get(client) == 200
    assert len(upstream.connections) == 2


async def test_a_kept_connection_that_dies_unanswered_is_replaced_once() -> None:
    asked = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        await reader.readuntil(b"\r\n\r\n")
        asked += 1
        if asked == 1:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
            asked += 1
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        client = Client(origin(f"http://127.0.0.1:{port}"), "", QUICK)
        assert await get(client) == 200

        with pytest.raises(UpstreamUnavailable, match="unanswered"):
            await get(client)
        await client.close()

    assert asked == 3  # one answer, one on the dying connection, one on a fresh one


async def test_idle_connections_are_closed(
    client: Client, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_http, "IDLE_CONNECTION_S", 0.02)

    await get(client)

    await asyncio.wait_for(upstream.connections[0].closed.wait(), 5)
    assert client.idle == 0


async def test_closing_the_client_ends_running_answers(client: Client, upstream: Upstream) -> None:
    task = asyncio.ensure_future(client.ask("POST", "/chat/completions", b'{"model":"silent"}'))
    await upstream.until(lambda u: u.calls == 1)

    await client.close()

    with pytest.raises(UpstreamUnavailable):
        await task
    with pytest.raises(UpstreamUnavailable):
        await client.ask("GET", "/models")


async def test_a_refused_connection_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    client = Client(origin(f"http://127.0.0.1:{port}"), KEY, QUICK)

    with pytest.raises(UpstreamUnavailable, match=f"127.0.0.1:{port}: refused"):
        await client.ask("GET", "/models")


async def test_an_unknown_name_is_told() -> None:
    client = Client(origin("http://no-such-host.invalid/v1"), KEY, Limits(connect_s=10))

    with pytest.raises(ModelError) as raised:
        await client.ask("GET", "/models")

    assert isinstance(raised.value, UpstreamUnavailable | UpstreamTimeout)


async def test_fixed_addresses_are_dialled_in_the_place_of_the_name(upstream: Upstream) -> None:
    url = f"http://no-such-host.invalid:{upstream.port}/v1"
    client = Client(origin(url, ("127.0.0.1",)), KEY, QUICK)

    assert await get(client) == 200
    await client.close()

    host = upstream.requests[0].headers["host"]
    assert host == f"no-such-host.invalid:{upstream.port}"


async def test_the_next_fixed_address_is_dialled_where_one_refuses(upstream: Upstream) -> None:
    addresses = ("127.0.0.3", "127.0.0.4", "127.0.0.1")
    client = Client(origin(f"http://x.invalid:{upstream.port}/v1", addresses), KEY, QUICK)

    assert await get(client) == 200
    await client.close()


async def test_where_all_fixed_addresses_refuse_the_server_is_not_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    server = origin(f"http://secret.example:{port}/v1", ("127.0.0.1", "127.0.0.3"))

    with pytest.raises(UpstreamUnavailable, match="the server at base_url: refused") as raised:
        await Client(server, KEY, QUICK).ask("GET", "/models")

    assert "secret.example" not in raised.value.message


async def test_a_server_that_speaks_no_tls_is_told(upstream: Upstream) -> None:
    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"hello, I am no TLS server\r\n")
        writer.close()

    async with await asyncio.start_server(deaf, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        client = Client(origin(f"https://127.0.0.1:{port}"), KEY, QUICK)
        with pytest.raises(UpstreamUnavailable, match="does not speak TLS"):
            await client.ask("GET", "/models")


async def test_a_stalled_tls_handshake_ends_at_the_connect_time_out(upstream: Upstream) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"https://127.0.0.1:{mute.getsockname()[1]}"
        client = Client(origin(url), KEY, Limits(connect_s=0.1))
        with pytest.raises(UpstreamTimeout):
            await client.ask("GET", "/models")


async def test_the_request_asks_for_no_compression_and_says_who_asks(
    client: Client, upstream: Upstream
) -> None:
    await get(client)

    headers = upstream.requests[0].headers
    assert headers["accept-encoding"] == "identity"
    assert headers["user-agent"].startswith("talkwire/")
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["host"] == f"127.0.0.1:{upstream.port}"


def test_a_base_url_is_taken_apart() -> None:
    azure = origin("https://x.example/openai/v1/?api-version=1")
    six = origin("http://[::1]:8080/v1")

    assert (azure.host, azure.port, azure.tls) == ("x.example", 443, True)
    assert (azure.prefix, azure.query, azure.header) == ("/openai/v1", "api-version=1", "x.example")
    assert (six.host, six.port, six.header) == ("::1", 8080, "[::1]:8080")
    assert origin("http://bücher.example/").host == "xn--bcher-kva.example"


@pytest.mark.parametrize(
    "url",
    ["", "ftp://x/", "x.example/v1", "http://", "http://u:p@x/", "http://x:99999/", "http://x/a b",
     "http://x/\u00e9"],
)  # fmt: skip
def test_a_bad_base_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        origin(url)


@pytest.mark.parametrize("key", ["a b", "a\r\nx: y", "schlüssel"])
def test_a_key_that_would_break_the_header_is_refused_without_being_told(key: str) -> None:
    with pytest.raises(ValueError, match="API key") as raised:
        Client(origin("http://x/"), key, Limits())

    assert key not in str(raised.value)
