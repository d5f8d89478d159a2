"""Rounds: nothing waits on a quiet server, and a busy one hands many on at once."""

from __future__ import annotations

import asyncio

import pytest

from talkwire.models._rounds import A_BYTE_S, A_READ, MOST_S, Rounds, Tempo


class Given(asyncio.Event):
    """An answer that is handed on."""

    def give(self, now: float) -> None:
        assert abs(now - asyncio.get_running_loop().time()) < 5
        self.set()


def settled(reads_a_second: int, size: int = 200) -> float:
    """The distance that rounds come to with so many reads, one after the other."""
    tempo, load, last = Tempo(), 0, 1000.0
    tempo.round(last, 0)
    for n in range(1, 3 * reads_a_second):
        load += A_READ + size
        now = 1000 + n / reads_a_second
        if now >= tempo.due:
            tempo.round(now, load)
            load, last = 0, now
    return tempo.due - last


@pytest.mark.parametrize(("reads", "size"), [(50, 200), (1000, 200), (4000, 200), (1000, 4000)])
def test_the_distance_grows_with_what_is_read(reads: int, size: int) -> None:
    expected = reads * (A_READ + size) * A_BYTE_S

    assert settled(reads, size) == pytest.approx(expected, rel=0.25)


def test_it_is_bounded() -> None:
    assert settled(1_000_000) == pytest.approx(MOST_S)


def test_a_pause_is_forgotten_soon_and_a_busy_time_after_it_too() -> None:
    tempo = Tempo()
    assert tempo.round(1000.0, 50_000_000)  # the first one, after no time that counts
    assert tempo.due < 1000.001
    assert tempo.round(1000.5, 5_000_000)
    assert tempo.due == 1000.5 + MOST_S
    assert not tempo.round(1000.5, 7000)
    assert tempo.due == 1000.5 + MOST_S
    assert tempo.round(1001.5, 1000)
    assert tempo.due < 1001.5001


def test_an_answer_of_a_hundred_tokens_a_second_waits_for_nothing() -> None:
    assert settled(100) < 1 / 100


async def test_the_only_answer_is_handed_on_at_once() -> None:
    rounds, waiting = Rounds(), Given()
    rounds.load += 1000

    rounds.join(waiting.give)

    assert waiting.is_set()


async def test_answers_of_a_busy_client_are_handed_on_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(Tempo, "due", loop.time() + 0.02)
    rounds = Rounds()
    first, second = Given(), Given()

    rounds.join(first.give)
    rounds.join(second.give)

    assert not first.is_set()
    assert not second.is_set()
    async with asyncio.timeout(5):
        await first.wait()
    assert second.is_set()
