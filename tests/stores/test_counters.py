from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from talkwire.stores.counters import WINDOW_S, RedisCounters, wait_s
from talkwire.stores.redis import RedisLink
from tests.e2e.waiting import until
from tests.services.link import Link
from tests.services.redis import Redis


class Near:
    """The counters of one process, in their simplest form."""

    def __init__(self) -> None:
        self.used: dict[str, int] = {}

    async def take(self, name: str, amount: int, per_minute: int) -> float | None:
        if self.used.get(name, 0) + max(1, amount) > per_minute:
            return 7.0
        await self.add(name, amount)
        return None

    async def add(self, name: str, amount: int) -> None:
        self.used[name] = self.used.get(name, 0) + amount


@pytest.fixture
async def link(own_redis: Redis) -> AsyncIterator[RedisLink]:
    link = RedisLink(own_redis.url, timeout_s=5, probe_s=0.05)
    yield link
    await link.close()


@pytest.fixture
def near() -> Near:
    return Near()


@pytest.fixture
def counters(link: RedisLink, near: Near) -> RedisCounters:
    return RedisCounters(link, near)


async def test_what_fits_is_granted_and_the_rest_is_told_how_long_to_wait(
    counters: RedisCounters, near: Near
) -> None:
    answers = [await counters.take("rpm:a", 1, 3) for _ in range(5)]

    assert answers[:3] == [None, None, None]
    # All was used within a moment: a third of it is free when the next window is a third through.
    assert answers[3] == pytest.approx(WINDOW_S, abs=2)
    assert near.used == {}


async def test_names_are_counted_apart(counters: RedisCounters) -> None:
    assert await counters.take("rpm:a", 1, 1) is None
    assert await counters.take("rpm:b", 1, 1) is None
    assert await counters.take("rpm:a", 1, 1) is not None


async def test_nodes_share_one_limit(own_redis: Redis, counters: RedisCounters) -> None:
    other = RedisLink(own_redis.url, timeout_s=5)
    there = RedisCounters(other, Near())

    asked = [each.take("rpm:a", 1, 10) for each in (counters, there) for _ in range(10)]
    answers = await asyncio.gather(*asked)

    assert answers.count(None) == 10
    await other.close()


async def test_what_was_refused_is_not_counted(counters: RedisCounters) -> None:
    assert await counters.take("tpm:a", 8, 10) is None
    assert await counters.take("tpm:a", 5, 10) is not None
    assert await counters.take("tpm:a", 2, 10) is None


async def test_more_than_the_limit_never_fits(counters: RedisCounters) -> None:
    assert await counters.take("tpm:a", 11, 10) == WINDOW_S
    assert await counters.take("tpm:a", 10, 10) is None


async def test_what_was_used_is_added_beyond_the_limit_and_holds_the_next_one_off(
    counters: RedisCounters,
) -> None:
    assert await counters.take("tpm:a", 0, 100) is None
    await counters.add("tpm:a", 250)

    wait = await counters.take("tpm:a", 0, 100)

    # 250 weigh less than 100 when the next window is 60 per cent through.
    assert wait == pytest.approx(WINDOW_S * 1.6, abs=2)


async def test_asking_whether_anything_is_left_counts_nothing(counters: RedisCounters) -> None:
    for _ in range(5):
        assert await counters.take("tpm:a", 0, 1) is None
    assert await counters.take("tpm:a", 1, 1) is None
    assert await counters.take("tpm:a", 0, 1) is not None


async def test_counters_are_forgotten_by_themselves(
    own_redis: Redis, counters: RedisCounters
) -> None:
    await counters.take("rpm:a", 1, 3)
    await counters.add("tpm:a", 3)

    keys = own_redis.command("KEYS", "talkwire:limit:*")

    assert len(keys) == 2
    assert all(0 < own_redis.command("TTL", key) <= 2 * WINDOW_S for key in keys)


async def test_while_redis_is_away_half_the_limit_is_counted_here(
    own_redis: Redis, link: RedisLink, counters: RedisCounters, near: Near
) -> None:
    own_redis.kill()

    answers = [await counters.take("rpm:a", 1, 10) for _ in range(8)]
    await counters.add("tpm:a", 20)

    assert answers == [None] * 5 + [7.0] * 3
    assert near.used == {"rpm:a": 5, "tpm:a": 20}
    assert await counters.take("rpm:b", 1, 1) is None

    own_redis.start_again(wiped=True)
    await until(lambda: link.fault is None)
    assert [await counters.take("rpm:a", 1, 10) for _ in range(11)].count(None) == 10
    assert near.used["rpm:a"] == 5


@pytest.mark.parametrize("harm", ["CONFIG SET maxmemory 1", "REPLICAOF 127.0.0.1 1"])
async def test_a_redis_that_takes_no_writes_limits_nobody_out(
    own_redis: Redis, counters: RedisCounters, near: Near, harm: str
) -> None:
    own_redis.command(*harm.split())

    assert await counters.take("rpm:a", 1, 10) is None
    assert near.used == {"rpm:a": 1}


async def test_scripts_that_were_forgotten_are_loaded_again(
    own_redis: Redis, counters: RedisCounters, near: Near
) -> None:
    await counters.take("rpm:a", 1, 10)
    own_redis.command("SCRIPT", "FLUSH")
    await counters.take("rpm:a", 1, 10)

    assert near.used == {}


async def test_a_black_hole_costs_one_time_out(own_redis: Redis, near: Near) -> None:
    async with Link(own_redis.port) as wire:
        link = RedisLink(f"redis://127.0.0.1:{wire.port}/0", timeout_s=0.5)
        counters = RedisCounters(link, near)
        await counters.take("rpm:a", 1, 10)
        wire.hole()

        began = time.monotonic()
        for _ in range(5):
            assert await counters.take("rpm:a", 1, 10) is None

        assert time.monotonic() - began < 2
        await link.close()


@example(before=0, used=0, left_s=0.0, limit=1, amount=2)
@given(
    before=st.integers(0, 1000),
    used=st.integers(0, 1000),
    left_s=st.floats(0, WINDOW_S),
    limit=st.integers(1, 1000),
    amount=st.integers(1, 1000),
)
def test_after_the_wait_it_fits_and_shortly_before_it_does_not(
    before: int, used: int, left_s: float, limit: int, amount: int
) -> None:
    def counted(after_s: float) -> int:
        if after_s < left_s:
            return int(before * (left_s - after_s) / WINDOW_S) + used
        return int(used * max(0.0, left_s + WINDOW_S - after_s) / WINDOW_S)

    room = limit - amount
    wait = wait_s(before, left_s, used, left_s, room=room)

    assert 0 <= wait <= 2 * WINDOW_S
    if room >= 0:
        assert counted(wait + 0.001) <= room
    if wait > 0.001:
        assert counted(wait - 0.001) > room
