from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tests.e2e.kept import messages, text_of
from tests.e2e.provider import Provider, said
from tests.e2e.servers import Server
from tests.e2e.wire_client import ask, asking


async def _leave_after(server: Server, frames: int, prompt: str) -> str:
    """Starts a turn, reads some frames, and goes away; the turn's id."""
    headers = {"Accept": "text/event-stream"}
    async with asking(
        server.port, "POST", "/turns", body={"input": prompt}, headers=headers
    ) as answer:
        stream = answer.frames()
        seen = [await anext(stream) for _ in range(frames)]
    return str(seen[0].data["turn_id"])


async def _ended(server: Server, turn_id: str) -> dict[str, Any]:
    async with asyncio.timeout(15):
        while True:
            _, record = await ask(server.port, "GET", f"/turns/{turn_id}")
            if record["status"] in ("completed", "failed", "aborted"):
                return dict(record)
            await asyncio.sleep(0.02)


async def test_a_client_that_goes_away_changes_nothing(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    server = await fresh_server(config={"models": [provider.model()]}).start()

    left = [
        await _leave_after(server, k + 1, f"leave-{k} words=30 pace_ms=5") for k in range(0, 20, 4)
    ]

    for turn_id in left:
        assert (await _ended(server, turn_id))["status"] == "completed"
        assert text_of(messages(server.data_dir, turn_id)[-1]) == said(30)
    assert len(provider.calls) == len(left)


async def test_with_abort_the_turn_ends_when_nobody_came_back_in_time(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    turns = {"on_disconnect": "abort", "disconnect_grace_s": 0.3}
    server = await fresh_server(config={"models": [provider.model()], "turns": turns}).start()

    turn_id = await _leave_after(server, 5, "words=5000 pace_ms=5")
    record = await _ended(server, turn_id)
    await asyncio.wait_for(provider.calls[0].closed.wait(), 2)

    assert record["status"] == "aborted"
    async with asking(server.port, "GET", f"/turns/{turn_id}/events") as answer:
        last = [frame async for frame in answer.frames()][-1]
    assert (last.event, last.data["by"]) == ("turn.aborted", "disconnect")
    assert messages(server.data_dir, turn_id)[-1]["incomplete"] is True


async def test_a_client_that_comes_back_within_the_grace_keeps_the_turn(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    turns = {"on_disconnect": "abort", "disconnect_grace_s": 1.0}
    server = await fresh_server(config={"models": [provider.model()], "turns": turns}).start()

    turn_id = await _leave_after(server, 5, "words=200 pace_ms=10")
    async with asking(
        server.port, "GET", f"/turns/{turn_id}/events", headers={"Last-Event-ID": f"{turn_id}:4"}
    ) as answer:
        frames = [frame async for frame in answer.frames()]

    assert frames[0].number == 5
    assert frames[-1].event == "turn.completed"
