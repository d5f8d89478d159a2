from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable

import pytest

from tests.chaos.reading import Asked, Follower, Place, Transcript
from tests.chaos.stored import in_folder
from tests.chaos.verdict import judge
from tests.e2e.provider import Provider
from tests.e2e.servers import Server
from tests.e2e.waiting import until
from tests.e2e.wire_client import ask, asking

STREAMS = 50
DRAIN_S = 1.5


@pytest.mark.parametrize("on_lost", ["continue", "auto"])
async def test_each_of_fifty_streams_resumes_after_a_restart(
    on_lost: str, provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    turns = {"drain_timeout_s": DRAIN_S, "on_lost": on_lost}
    server = await fresh_server(config={"models": [provider.model()], "turns": turns}).start()
    place = Place(server.port)
    transcripts = []
    for k in range(STREAMS):
        wire = "native" if k % 2 else "responses-sse"
        prompt = f"drain-{k} words=200 pace_ms=25"
        transcripts.append(Transcript(Asked(f"drain-{k}", wire, "POST", prompt, time.monotonic())))
    followers = [Follower(t, place, random.Random(k), fickle=0) for k, t in enumerate(transcripts)]
    following = [asyncio.create_task(f.follow()) for f in followers]

    await until(lambda: all(len(t.frames) >= 10 for t in transcripts), within_s=20)
    began = time.monotonic()
    server.terminate()
    code = await server.exited(within_s=DRAIN_S + 5)
    took_s = time.monotonic() - began
    await server.restart()
    async with asyncio.timeout(30):
        await asyncio.gather(*following)

    assert code == 0
    assert took_s < DRAIN_S + 2
    verdict = await judge(transcripts, server.port, in_folder(server.data_dir))
    assert verdict.green, verdict.notes
    if on_lost == "continue":
        assert verdict.endings == {"turn.completed": STREAMS}


async def test_turns_that_end_in_time_are_waited_for_and_no_new_one_begins(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    server = await fresh_server(config={"models": [provider.model()]}).start()
    body = {"input": "words=30 pace_ms=30"}
    headers = {"Accept": "text/event-stream"}
    async with asking(server.port, "POST", "/turns", body=body, headers=headers) as answer:
        stream = answer.frames()
        await anext(stream)
        server.terminate()
        refused = await _refused(server, body)
        kinds = [frame.event async for frame in stream]

    assert kinds[-1] == "turn.completed"
    assert refused
    assert await server.exited(within_s=5) == 0


async def _refused(server: Server, body: dict[str, str]) -> bool:
    """Soon after SIGTERM a new turn is answered 503, or not even connected."""
    async with asyncio.timeout(3):
        while True:
            try:
                status, _ = await ask(server.port, "POST", "/turns", body=body)
            except OSError:
                return True
            if status == 503:
                return True
            await asyncio.sleep(0.02)
