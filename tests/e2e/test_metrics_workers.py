"""Workers behind one port answer a scrape with the figures of all of them, also of the dead."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress

import psutil
import pytest

from tests.e2e.servers import Server
from tests.e2e.test_metrics import Series, of, series
from tests.e2e.waiting import until
from tests.e2e.wire_client import asking

pytestmark = pytest.mark.timeout(120)
TURNS = 12


async def scraped(server: Server) -> Series:
    async with asking(server.port, "GET", "/metrics") as answer:
        return series((await answer.body()).decode())


async def turn(server: Server) -> None:
    headers = {"Accept": "text/event-stream"}
    body = {"input": "echo Hello"}
    async with asking(server.port, "POST", "/turns", body=body, headers=headers) as answer:
        assert [frame async for frame in answer.frames()]


def workers(server: Server) -> list[psutil.Process]:
    """They are forked from a child of the supervisor."""
    nurseries = psutil.Process(server.pid).children()
    return [worker for nursery in nurseries for worker in nursery.children()]


async def test_a_scrape_is_of_all_workers_and_only_grows(
    postgres_migrated: str, fresh_server: Callable[..., Server]
) -> None:
    env = {"USE_MOCK": "1", "DATABASE_URL": postgres_migrated}
    server = await fresh_server(env=env, config={"workers": 2}).start()
    await until(lambda: len(workers(server)) == 2, 60)
    told: list[float] = []
    for _ in range(TURNS):
        await turn(server)
        told.append(of(await scraped(server), "turns_total"))
    async with asyncio.timeout(60):  # who has not been asked writes every few seconds
        while (told[-1], of(await scraped(server), "build_info")) != (TURNS, 1):
            await asyncio.sleep(0.1)
            told.append(of(await scraped(server), "turns_total"))
    victim = workers(server)[0].pid
    os.kill(victim, signal.SIGKILL)

    def replaced() -> bool:
        found = [worker.pid for worker in workers(server)]
        return victim not in found and len(found) == 2

    await until(replaced, 60)
    for _ in range(6):
        with suppress(OSError):
            told.append(of(await scraped(server), "turns_total"))

    assert told == sorted(told)
    assert told[-1] == TURNS, "the dead are counted still, and once"
