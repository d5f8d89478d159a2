"""What a server may send: a burst at once, a little for ever."""

from __future__ import annotations

import pytest

from talkwire.tools.mcp_flood import (
    BURST_BYTES,
    BURST_NEWS,
    LEAST_BYTES,
    STEADY_BYTES_A_SECOND,
    STEADY_NEWS_A_SECOND,
    Allowance,
    Flooded,
)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_granted_and_no_more() -> None:
    allowance = Allowance(Clock())
    allowance.spend(BURST_BYTES)

    with pytest.raises(Flooded, match="It floods"):
        allowance.spend(1)


def test_it_refills_steadily_up_to_a_burst() -> None:
    clock = Clock()
    allowance = Allowance(clock)
    allowance.spend(BURST_BYTES)

    clock.now += 1
    allowance.spend(STEADY_BYTES_A_SECOND)
    clock.now += 1_000_000
    allowance.spend(BURST_BYTES)

    with pytest.raises(Flooded):
        allowance.spend(1)


def test_many_small_messages_count_as_what_they_cost() -> None:
    allowance = Allowance(Clock())

    with pytest.raises(Flooded):
        allowance.spend(100, BURST_BYTES // LEAST_BYTES + 1)


def test_notifications_that_come_too_fast_are_not_heeded_for_a_while() -> None:
    clock = Clock()
    allowance = Allowance(clock)

    assert all(allowance.heeds() for _ in range(BURST_NEWS))
    assert not allowance.heeds()
    clock.now += 1
    assert sum(allowance.heeds() for _ in range(BURST_NEWS)) == STEADY_NEWS_A_SECOND
