"""Rounds: nothing waits on a quiet server, and a busy one hands many on at once."""

from __future__ import annotations

import asyncio

from talkwire.models._rounds import AN_ANSWER_S, MOST_S, Rounds


class Given(asyncio.Event):
    """An answer that is handed on."""

    def give(self, now: float) -> None:
        assert abs(now - asyncio.get_running_loop().time()) < 5
        self.set()


async def test_the_only_answer_is_handed_on_at_once() -> None:
    rounds = Rounds(())
    for _ in range(5):
        waiting = Given()
        rounds.join(waiting.give)
        assert waiting.is_set()


async def test_answers_of_a_busy_client_are_handed_on_together() -> None:
    rounds = Rounds(range(1000))
    first, second, third = Given(), Given(), Given()

    rounds.join(first.give)
    rounds.join(second.give)
    rounds.join(third.give)

    assert first.is_set()
    assert not second.is_set()
    async with asyncio.timeout(5):
        await second.wait()
    assert third.is_set()


async def test_the_time_between_rounds_is_bounded() -> None:
    assert 1000 * AN_ANSWER_S > MOST_S
    loop = asyncio.get_running_loop()
    rounds = Rounds(range(100_000))
    rounds.join(Given().give)
    begun = loop.time()
    waiting = Given()

    rounds.join(waiting.give)

    async with asyncio.timeout(5):
        await waiting.wait()
    assert loop.time() - begun >= MOST_S * 0.5
