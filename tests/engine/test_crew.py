"""Tasks that nobody else holds."""

from __future__ import annotations

import asyncio

from talkwire.engine.crew import Crew
from tests.engine.fakes import LIMIT_S, steps


async def test_a_task_is_held_until_it_is_done() -> None:
    crew, go_on = Crew(), asyncio.Event()
    task = crew.own(go_on.wait())
    assert len(crew) == 1

    go_on.set()

    assert await task is True
    await steps(2)
    assert len(crew) == 0


async def test_who_waits_for_all_is_told_who_is_not_done() -> None:
    crew, never = Crew(), asyncio.Event()
    assert await crew.finish(LIMIT_S) == set()
    quick, slow = crew.own(asyncio.sleep(0)), crew.own(never.wait())

    assert await crew.finish(0.01) == {slow}
    assert quick.done()
    slow.cancel()


async def test_what_does_not_end_is_cancelled_and_not_waited_for_for_ever() -> None:
    crew, never = Crew(), asyncio.Event()

    async def stubborn() -> None:
        while not never.is_set():
            try:
                await never.wait()
            except asyncio.CancelledError:
                continue

    stuck, slow = crew.own(stubborn()), crew.own(never.wait())
    async with asyncio.timeout(LIMIT_S):
        await crew.dismiss(0.01)

    assert slow.cancelled()
    assert not stuck.done()
    never.set()
    stuck.cancel()
    await asyncio.wait([stuck])
