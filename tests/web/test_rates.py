"""A minute's requests and tokens, and how long to wait for more."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.canon.errors import RateLimited
from talkwire.web.principals import LOCAL, Principal
from talkwire.web.rates import WINDOW_S, MemoryCounters, Rates, network_of, wait_s


class Clock:
    def __init__(self) -> None:
        self.now = 6_000.0

    def __call__(self) -> float:
        return self.now


async def test_what_is_over_the_limit_is_not_counted_and_told_when_to_come_back() -> None:
    clock = Clock()
    counters = MemoryCounters(clock)
    assert [await counters.take("a", 1, 3) for _ in range(3)] == [None, None, None]

    for _ in range(5):
        wait = await counters.take("a", 1, 3)

    assert wait is not None
    assert wait > 0
    clock.now += wait + 0.01
    assert await counters.take("a", 1, 3) is None
    assert await counters.take("b", 1, 3) is None


async def test_a_new_minute_is_no_second_helping() -> None:
    clock = Clock()
    counters = MemoryCounters(clock)
    granted: list[float] = []
    for _ in range(600):
        clock.now += 0.5
        if await counters.take("a", 1, 10) is None:
            granted.append(clock.now)

    assert all(b - a > WINDOW_S / 2 for a, b in zip(granted, granted[10:], strict=False))
    assert 40 <= len(granted) <= 60


async def test_what_has_been_used_is_counted_beyond_the_limit() -> None:
    clock = Clock()
    counters = MemoryCounters(clock)
    assert await counters.take("tpm", 0, 100) is None
    await counters.add("tpm", 1000)

    wait = await counters.take("tpm", 0, 100)

    assert wait is not None
    assert WINDOW_S < wait < 2 * WINDOW_S
    clock.now += wait + 0.01
    assert await counters.take("tpm", 0, 100) is None


@given(
    before=st.integers(0, 1000),
    used=st.integers(0, 1000),
    passed=st.floats(0, 59.9),
    limit=st.integers(1, 1000),
)
def test_after_the_wait_there_is_room(before: int, used: int, passed: float, limit: int) -> None:
    wait = wait_s(before, used, passed, 1, limit)

    if wait is None:
        return
    assert 0 < wait <= 2 * WINDOW_S
    passed += wait + 0.002
    while passed >= WINDOW_S:
        before, used, passed = used, 0, passed - WINDOW_S
    assert wait_s(before, used, passed, 1, limit) is None


async def test_names_are_forgotten_when_they_are_old() -> None:
    clock = Clock()
    counters = MemoryCounters(clock)
    for number in range(100):
        await counters.take(f"address:{number}", 1, 5)
    clock.now += 3 * WINDOW_S

    await counters.take("address:new", 1, 5)

    assert len(counters._windows) == 1


async def test_a_flood_of_names_shares_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("talkwire.web.rates._MOST_NAMES", 10)
    counters = MemoryCounters(Clock())
    for number in range(50):
        await counters.take(f"address:{number}", 1, 1000)

    assert len(counters._windows) == 11


async def test_nothing_is_counted_where_nothing_is_limited() -> None:
    counters = MemoryCounters()
    rates = Rates(counters)

    await rates.from_address("127.0.0.1")
    await rates.request(LOCAL)
    await rates.turn(LOCAL)
    rates.charge("local", 100)

    assert counters._windows == {}


async def test_a_keys_own_limit_goes_first_and_keys_are_counted_apart() -> None:
    rates = Rates(MemoryCounters(), rpm=1000)
    slow = Principal("ann", key_id="1", rpm=1)
    await rates.request(slow)

    with pytest.raises(RateLimited) as refused:
        await rates.request(slow)

    assert refused.value.retry_after_s >= 1
    await rates.request(Principal("ann", key_id="2"))


async def test_tokens_are_charged_to_the_owner_after_the_turn() -> None:
    rates = Rates(MemoryCounters(), tpm=100)
    ann = Principal("ann", key_id="1")
    await rates.turn(ann)
    rates.charge("ann", 150)
    await asyncio.sleep(0)

    with pytest.raises(RateLimited):
        await rates.turn(ann)
    await rates.turn(Principal("bob"))


async def test_an_address_is_counted_by_itself_and_a_customers_ipv6_as_one() -> None:
    rates = Rates(MemoryCounters(), address_rpm=1)
    await rates.from_address("10.0.0.1")
    await rates.from_address("10.0.0.2")
    await rates.from_address("2001:db8::1")

    for again in ("10.0.0.1", "::ffff:10.0.0.2", "2001:db8::ffff:2"):
        with pytest.raises(RateLimited):
            await rates.from_address(again)


def test_an_address_that_is_none_is_still_counted() -> None:
    assert network_of("") == network_of("testclient") == "unknown"
    assert network_of("fe80::1%eth0") == "fe80::/64"
