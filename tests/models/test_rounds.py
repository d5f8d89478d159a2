"""Rounds: nothing waits on a quiet server, and a busy one wakes many at once."""

from __future__ import annotations

import asyncio

from talkwire.models._rounds import AN_ANSWER_S, MOST_S, Rounds


def reader() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


async def test_the_only_answer_is_woken_at_once() -> None:
    rounds = Rounds(())
    for _ in range(5):
        waiting = reader()
        rounds.wake(waiting)
        assert waiting.done()


async def test_readers_of_a_busy_client_are_woken_together() -> None:
    rounds = Rounds(range(1000))
    first, second, third = reader(), reader(), reader()

    rounds.wake(first)
    rounds.wake(second)
    rounds.wake(third)

    assert first.done()
    assert not second.done()
    async with asyncio.timeout(5):
        await second
    assert third.done()


async def test_the_time_between_rounds_is_bounded() -> None:
    assert 1000 * AN_ANSWER_S > MOST_S
    loop = asyncio.get_running_loop()
    rounds = Rounds(range(100_000))
    rounds.wake(reader())
    begun = loop.time()
    waiting = reader()

    rounds.wake(waiting)

    async with asyncio.timeout(5):
        await waiting
    assert loop.time() - begun >= MOST_S * 0.5


async def test_a_reader_that_left_meanwhile_does_no_harm() -> None:
    rounds = Rounds(range(1000))
    rounds.wake(reader())
    gone, staying = reader(), reader()
    rounds.wake(gone)
    rounds.wake(staying)
    gone.cancel()

    async with asyncio.timeout(5):
        await staying
