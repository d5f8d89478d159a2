"""What a caller brings, a key and a server, is used for one turn and is nowhere afterwards."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.listening import Listening
from tests.e2e.provider import Provider, said
from tests.e2e.servers import Server
from tests.e2e.waiting import until
from tests.e2e.wire_client import Frame, ask, asking

KEY = "tk9-caller-canary-5b1d"
PLACE = "canary-place-9c1d"
OURS = "sk-canary-7f3a"  # the key in `Provider.model`
PATH = "/api/chat/stream"


class Telltale(Listening):
    """A server that refuses, and repeats in its refusal all that it was sent."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        words = f"wrong key in {' '.join(head.split())} at {self.url}/{PLACE}"
        body = json.dumps({"error": {"message": words, "code": KEY, "type": PLACE}}).encode()
        writer.write(
            b"HTTP/1.1 400 No\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
            % (len(body), body)
        )
        await writer.drain()
        writer.close()


@pytest.fixture
async def theirs() -> AsyncIterator[Provider]:
    async with Provider() as running:
        yield running


def config(ours: Provider, *others: Listening) -> dict[str, Any]:
    listed = [f"127.0.0.1:{other.port}" for other in others]
    return {"models": [ours.model()], "egress": {"allow": listed}, "log": {"level": "debug"}}


def asked(content: str, where: Listening | None = None, **more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"api_key": KEY, **more}
    if where is not None:
        given["base_url"] = f"http://127.0.0.1:{where.port}/{PLACE}/v1"
    return {"session_id": "s_1", "content": content, "model_config": given}


async def stream(server: Server, body: Any, **headers: str) -> list[Frame]:
    async with asking(server.port, "POST", PATH, body=body, headers=headers) as answer:
        assert answer.status == 200, await answer.body()
        return [frame async for frame in answer.frames()]


async def all_it_tells(server: Server, turn_id: str) -> bytes:
    """Every file that it wrote, and every answer about the turn."""
    written = [path.read_bytes() for path in server.folder.rglob("*") if path.is_file()]
    told = [json.dumps(await ask(server.port, "GET", f"/turns/{turn_id}")).encode()]
    async with asking(server.port, "GET", f"/turns/{turn_id}/events") as answer:
        told.append(await answer.body())
    return b"\n".join([*written, *told])


def expect_no_trace(told: bytes) -> None:
    assert b"turn.ended" in told or b"turn.started" in told
    for secret in (KEY, PLACE, KEY[:12], KEY[-12:]):
        assert secret.encode() not in told
    assert OURS.encode() not in told.replace(_configured(told), b"")


def _configured(told: bytes) -> bytes:
    """The line of the configuration file, the one place where our own key stands."""
    lines = [line for line in told.splitlines() if b"api_key:" in line]
    return lines[0] if lines else b"\x00"


async def test_a_callers_server_is_asked_with_the_callers_key_and_neither_is_kept(
    provider: Provider, theirs: Provider, fresh_server: Callable[..., Server]
) -> None:
    server = await fresh_server(config=config(provider, theirs)).start()

    body = asked("words=5", theirs, model_name="any-name/at all:7b")
    frames = await stream(server, body, **{"Idempotency-Key": "k1"})
    again = await stream(server, body, **{"Idempotency-Key": "k1"})

    assert again == frames
    message = frames[-1].data["data"]["message"]
    assert (message["content"], message["model"]) == (said(5), "any-name/at all:7b")
    (call,) = theirs.calls
    assert call.body["model"] == "any-name/at all:7b"
    assert f"authorization: bearer {KEY}" in call.head.lower()
    assert call.head.startswith(f"POST /{PLACE}/v1/chat/completions ")
    assert OURS not in call.head
    assert provider.calls == []
    turn_id = message["id"].removeprefix("msg_")
    expect_no_trace(await all_it_tells(server, turn_id))
    await until(lambda: call.closed.is_set())


async def test_our_key_never_goes_where_the_caller_says(
    provider: Provider, theirs: Provider, fresh_server: Callable[..., Server]
) -> None:
    server = await fresh_server(config=config(provider, theirs)).start()

    await stream(server, asked("words=1", theirs, api_key=None, model_name="words"))
    await stream(server, asked("words=2", None))

    assert "authorization" not in theirs.calls[0].head.lower()
    assert f"Bearer {KEY}" in provider.calls[0].head
    assert OURS not in theirs.calls[0].head + provider.calls[0].head
    assert theirs.calls[0].body["model"] == "words"
    assert provider.calls[0].body["model"] == "words-1"


async def test_the_session_goes_on_with_our_model_and_our_key(
    provider: Provider, theirs: Provider, fresh_server: Callable[..., Server]
) -> None:
    server = await fresh_server(config=config(provider, theirs)).start()

    await stream(server, asked("words=1", theirs))
    await stream(server, {"session_id": "s_1", "content": "words=2"})

    assert f"Bearer {OURS}" in provider.calls[0].head
    assert KEY not in str(provider.calls[0])


async def test_a_refusal_that_repeats_all_is_told_without_it(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    async with Telltale() as telltale:
        server = await fresh_server(config=config(provider, telltale)).start()
        frames = await stream(server, asked("words=1", telltale))

        (last,) = frames
        assert last.data["type"] == "error"
        assert last.data["data"]["code"] == "upstream_rejected"
        turn_id = last.fields["id"].partition(":")[0]
        expect_no_trace(await all_it_tells(server, turn_id) + last.raw)


async def test_a_server_that_is_not_there_is_not_named(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    async with Telltale() as gone:
        asks, where = config(provider, gone), asked("words=1", gone)
    server = await fresh_server(config=asks).start()

    (last,) = [frame for frame in await stream(server, where) if frame.data["type"] == "error"]

    assert last.data["data"]["code"] == "upstream_unavailable"
    assert "127.0.0.1" not in str(last.data)
    turn_id = last.fields["id"].partition(":")[0]
    expect_no_trace(await all_it_tells(server, turn_id) + last.raw)


@pytest.mark.parametrize(
    "given", [{"base_url": f"http://10.0.0.1/{PLACE}"}, {"temperature": 7}, {"model_name": "none"}]
)
async def test_what_is_refused_before_the_stream_tells_nothing_either(
    given: dict[str, Any], provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    server = await fresh_server(config=config(provider)).start()

    status, error = await ask(server.port, "POST", PATH, body=asked("words=1", **given))

    assert status in (403, 404, 422)
    assert KEY not in str(error)
    assert PLACE not in str(error)
    assert KEY not in server.output
    assert PLACE not in server.output


async def test_a_killed_servers_turn_is_ended_and_not_carried_on_with_our_key(
    provider: Provider, theirs: Provider, fresh_server: Callable[..., Server], tmp_path: Path
) -> None:
    asks = config(provider, theirs)
    asks["models"] = [provider.model(continuation="prefill")]  # else it would carry on
    server = await fresh_server(config=asks).start()
    body = asked("words=5000 pace_ms=5", theirs, model_name="words")
    async with asking(server.port, "POST", PATH, body=body) as answer:
        stream_ = answer.frames()
        seen = [await anext(stream_) for _ in range(10)]
        server.kill9()
    await server.restart()

    cursor = {"Last-Event-ID": seen[-1].fields["id"]}
    async with asking(server.port, "POST", PATH, headers=cursor, within_s=30) as answer:
        rest = [frame async for frame in answer.frames()]

    told = [*seen, *rest]
    assert [frame.number for frame in told] == list(range(len(told)))
    assert [frame.data["type"] for frame in told] == ["chunk"] * (len(told) - 1) + ["error"]
    assert told[-1].data["data"]["code"] == "worker_lost"
    assert provider.calls == []
    assert len(theirs.calls) == 1
    turn_id = told[0].fields["id"].partition(":")[0]
    expect_no_trace(await all_it_tells(server, turn_id))
