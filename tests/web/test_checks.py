"""Parts are looked at once for all who ask, in bounded time, and what went wrong is remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from talkwire.canon.errors import StorageUnavailable
from talkwire.web.checks import Found, Part, seen


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Looks:
    """Counts the looks; each does what `then` does."""

    def __init__(self, then: Callable[[], Found] = Found) -> None:
        self.count = 0
        self.then = then
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self) -> Found:
        self.count += 1
        await self.go.wait()
        return self.then()


async def test_a_storm_of_probes_is_one_look() -> None:
    looks, clock = Looks(), Clock()
    part = Part("store", looks, clock=clock)

    at_once = await asyncio.gather(*(part.seen() for _ in range(500)))
    for _ in range(500):
        await part.seen()

    assert looks.count == 1
    assert {each.status for each in at_once} == {"ok"}
    clock.now += 1.01
    await part.seen()
    assert looks.count == 2


async def test_a_look_that_hangs_is_given_up_and_tried_again() -> None:
    looks, clock = Looks(), Clock()
    looks.go.clear()
    part = Part("store", looks, within_s=0.01, clock=clock)

    hung = await part.seen()
    looks.go.set()
    clock.now += 2
    well = await part.seen()

    assert (hung.status, hung.why) == ("down", "no answer within 0.01 s")
    assert (well.status, looks.count) == ("ok", 2)


async def test_who_gives_up_waiting_takes_nobody_with_him() -> None:
    looks = Looks()
    looks.go.clear()
    part = Part("store", looks)
    first, second = (asyncio.create_task(part.seen()) for _ in range(2))
    await asyncio.sleep(0)

    first.cancel()
    await asyncio.wait([first])
    looks.go.set()

    assert (await second).status == "ok"
    assert looks.count == 1


def _fails() -> Found:
    raise StorageUnavailable("The disk is full.")


def _breaks() -> Found:
    raise KeyError("a secret")


@pytest.mark.parametrize(
    ("then", "status", "why"),
    [
        (lambda: Found({"a": 1}), "ok", ""),
        (lambda: Found({"a": 1}, fault="slow"), "degraded", "slow"),
        (_fails, "down", "The disk is full."),
        (_breaks, "down", "the check failed (KeyError)"),
    ],
)
async def test_what_a_look_finds_is_told_in_safe_words(
    then: Callable[[], Found], status: str, why: str
) -> None:
    part = Part("store", Looks(then), now=lambda: 7.0)

    found = await part.seen()

    assert (found.status, found.why) == (status, why)
    assert (part.last_error, part.last_error_at) == (why, 7.0 if why else None)


async def test_what_is_known_without_a_look_is_told_of_a_part_that_is_down_too() -> None:
    part = Part("voice", Looks(_fails), always={"provider": "clone"})

    assert (await part.seen()).facts == {"provider": "clone"}


async def test_the_last_error_is_remembered_when_all_is_well_again() -> None:
    looks, clock = Looks(_fails), Clock()
    part = Part("store", looks, clock=clock, now=lambda: clock.now)
    await part.seen()

    looks.then = Found
    clock.now += 5

    assert (await part.seen()).status == "ok"
    assert (part.last_error, part.last_error_at) == ("The disk is full.", 100.0)


async def test_parts_are_looked_at_at_the_same_time() -> None:
    one, other = Looks(), Looks()
    one.go.clear()

    def release() -> Found:
        one.go.set()
        return Found({"b": 2})

    other.then = release
    found = await seen(Part("one", one), Part("other", other))

    assert [each.status for each in found.values()] == ["ok", "ok"]
    assert found["other"].facts == {"b": 2}


async def test_closing_ends_a_look() -> None:
    looks, tasks = Looks(), asyncio.all_tasks()
    looks.go.clear()
    part = Part("store", looks)
    waiting = asyncio.create_task(part.seen())
    await asyncio.sleep(0)

    await part.close()
    await asyncio.wait([waiting])

    assert waiting.cancelled()
    assert asyncio.all_tasks() == tasks
