from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import urlencode

from tests.e2e.provider import Provider, said
from tests.e2e.proxy import Proxy, random_cuts
from tests.e2e.servers import Server
from tests.e2e.wire_client import Frame, asking

CUTS = 20
WORDS = 250


async def _event_source(port: int, path: str) -> list[Frame]:
    """As a browser does it: the same GET again and again, with the last id seen, until 204."""
    frames: list[Frame] = []
    while True:
        headers = {"Accept": "text/event-stream"}
        if frames:
            headers["Last-Event-ID"] = frames[-1].id or ""
        try:
            async with asking(port, "GET", path, headers=headers) as answer:
                if answer.status == 204:
                    return frames
                assert answer.status == 200
                async for frame in answer.frames():
                    frames.append(frame)
        except OSError:
            await asyncio.sleep(0.01)


async def test_twenty_lost_connections_cost_one_model_call_and_no_event(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    server = await fresh_server(config={"models": [provider.model()]}).start()
    query = urlencode({"input": f"words={WORDS} pace_ms=4", "sessionId": "browser"})
    path = f"/chat/stream?{query}"

    async with (
        asyncio.timeout(40),
        Proxy(server.port, random_cuts(7, CUTS, 2_000)) as proxy,
    ):
        frames = await _event_source(proxy.port, path)

    assert proxy.harmed == CUTS
    assert len(provider.calls) == 1
    assert [frame.number for frame in frames] == list(range(len(frames)))
    deltas = [f.data["delta"] for f in frames if f.event == "response.output_text.delta"]
    assert "".join(deltas) == said(WORDS)
    assert frames[-1].event == "response.completed"
    replayed = await _event_source_again(server.port, path, frames[0])
    assert [f.raw for f in replayed] == [f.raw for f in frames[1:]]


async def _event_source_again(port: int, path: str, first: Frame) -> list[Frame]:
    headers = {"Last-Event-ID": first.id or ""}
    async with asking(port, "GET", path, headers=headers) as answer:
        return [frame async for frame in answer.frames()]


async def test_a_get_that_loses_every_first_answer_still_starts_one_turn(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    server = await fresh_server(config={"models": [provider.model()]}).start()
    path = "/chat/stream?" + urlencode({"input": "words=40 pace_ms=10"})

    # So few bytes that not even the headers arrive.
    async with (
        asyncio.timeout(20),
        Proxy(server.port, random_cuts(5, 10, 60)) as proxy,
    ):
        frames = await _event_source(proxy.port, path)

    assert proxy.harmed == 10
    assert len(provider.calls) == 1
    assert [frame.number for frame in frames] == list(range(len(frames)))
