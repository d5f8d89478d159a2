"""Two nodes on one PostgreSQL and one Redis, behind the shipped nginx configuration."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.deploy.conftest import Behind
from tests.deploy.nginx import Nginx
from tests.e2e.provider import Provider, said
from tests.e2e.servers import Server
from tests.e2e.waiting import until
from tests.e2e.wire_client import Frame, ask, asking

STREAM = {"Accept": "text/event-stream"}
ENDS = {"turn.completed", "turn.failed", "turn.aborted"}
WORDS = 60
Nodes = Callable[..., Server]


@pytest.fixture
async def pair(node: Nodes, postgres_migrated: str, redis_url: str) -> tuple[Server, Server]:
    one, other = (
        node(
            database={"url": postgres_migrated},
            redis={"url": redis_url},
            node={"beat_s": 0.5, "dead_after_s": 2},
            turns={"on_lost": "continue", "drain_timeout_s": 1},
        )
        for _ in range(2)
    )
    await asyncio.gather(one.start(), other.start())
    return one, other


async def _begun(server: Server, prompt: str) -> str:
    _, started = await ask(server.port, "POST", "/turns", body={"input": prompt})
    return str(started["turn_id"])


async def _piece(nginx: Nginx, turn: str, frames: list[Frame]) -> None:
    """What one connection brings, behind the frames there are."""
    cursor = {"Last-Event-ID": frames[-1].id or ""} if frames else {}
    path = f"/turns/{turn}/events"
    async with asking(nginx.port, "GET", path, headers=STREAM | cursor) as answer:
        assert answer.status == 200
        async for frame in answer.frames():
            frames.append(frame)


async def _followed(nginx: Nginx, turn: str, frames: list[Frame]) -> int:
    """As a client does it: again and again, behind what it has. How often it was cut."""
    cuts = 0
    while not frames or frames[-1].event not in ENDS:
        try:
            await _piece(nginx, turn, frames)
        except OSError:
            cuts += 1
    return cuts


def _spoken(frames: list[Frame]) -> str:
    return "".join(frame.data["text"] for frame in frames if frame.event == "text.delta")


async def test_a_cursor_goes_on_at_either_node(
    behind: Behind, provider: Provider, pair: tuple[Server, Server]
) -> None:
    one, other = pair
    nginx = behind([one.port, other.port])
    turn = await _begun(one, f"words={WORDS} pace_ms=30")
    followers: list[list[Frame]] = [[], [], [], []]

    async with asyncio.timeout(40):
        await asyncio.gather(*(_followed(nginx, turn, frames) for frames in followers))

    first = [frame.raw for frame in followers[0]]
    assert [[frame.raw for frame in frames] for frames in followers] == [first] * 4
    for server in pair:
        cursor = {"Last-Event-ID": followers[0][20].id or ""}
        path = f"/turns/{turn}/events"
        async with asking(server.port, "GET", path, headers=STREAM | cursor) as answer:
            assert [frame.raw async for frame in answer.frames()] == first[21:]
    assert _spoken(followers[0]) == said(WORDS)
    assert len(provider.calls) == 1


@pytest.mark.parametrize("end", ["killed", "drained"])
async def test_a_client_resumes_when_the_node_of_its_turn_is_gone(
    end: str, behind: Behind, provider: Provider, pair: tuple[Server, Server]
) -> None:
    one, other = pair
    nginx = behind([one.port, other.port])
    turn = await _begun(one, f"words={WORDS} pace_ms=50")
    followers: list[list[Frame]] = [[], [], [], []]
    following = [asyncio.create_task(_followed(nginx, turn, frames)) for frames in followers]
    await until(lambda: all(len(frames) > 10 for frames in followers))

    if end == "killed":
        one.kill9()
    else:
        one.terminate()
    async with asyncio.timeout(40):
        cuts = await asyncio.gather(*following)

    assert sum(cuts) >= (1 if end == "killed" else 0)
    for frames in followers:
        assert [frame.number for frame in frames] == list(range(len(frames)))
        assert [frame.event for frame in frames if frame.event in ENDS] == ["turn.completed"]
        assert _spoken(frames) == said(WORDS)
    assert len(provider.calls) == 2
