"""Work that is begun outside of a task and finished inside one."""

from __future__ import annotations

import asyncio

import pytest

from talkwire.web.begun import begin


async def test_work_that_waits_for_nothing_is_done_at_once() -> None:
    done: list[str] = []

    async def work() -> None:
        done.append("sent")

    assert begin(work()) is None
    assert done == ["sent"]


async def test_work_that_waits_goes_on_where_it_is_awaited() -> None:
    first, second = asyncio.Event(), asyncio.Event()
    steps: list[int] = []

    async def work() -> None:
        steps.append(1)
        await first.wait()
        steps.append(2)
        await second.wait()
        steps.append(3)

    begun = begin(work())
    assert begun is not None
    assert steps == [1]
    first.set()
    second.set()
    async with asyncio.timeout(5):
        await begun

    assert steps == [1, 2, 3]


async def test_what_work_raises_before_it_waits_is_raised_at_once() -> None:
    async def work() -> None:
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        begin(work())


@pytest.mark.parametrize("swallows", [False, True])
async def test_cancelling_who_awaits_reaches_the_work(swallows: bool) -> None:
    told: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            told.append("cancelled")
            if not swallows:
                raise

    begun = begin(work())
    assert begun is not None

    async def awaiting() -> None:
        await begun

    task = asyncio.ensure_future(awaiting())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])

    assert told == ["cancelled"]
    assert task.cancelled() is not swallows
