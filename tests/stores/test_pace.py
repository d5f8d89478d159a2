"""The pace of transactions: none in quiet times, even in busy ones."""

from __future__ import annotations

from itertools import pairwise

import pytest

from talkwire.stores.pace import A_TURN_S, BURST, Pace


def test_after_a_pause_a_few_may_follow_each_other_at_once() -> None:
    pace = Pace(0.002)
    at, rests = 10.0, []
    for _ in range(BURST + 1):
        rests.append(pace.rest(at, at + 0.0001))
        at += 0.0001 + rests[-1]

    assert rests[: BURST - 1] == [0.0] * (BURST - 1)
    assert rests[-1] > 0.001


def test_in_busy_times_they_begin_evenly() -> None:
    pace = Pace(0.002)
    at, begins = 10.0, []
    for _ in range(500):
        begins.append(at)
        at += 0.0002 + pace.rest(at, at + 0.0002)

    steps = [later - earlier for earlier, later in pairwise(begins[10:])]
    assert min(steps) == pytest.approx(0.002)
    assert max(steps) == pytest.approx(0.002)


def test_seldom_ones_wait_for_nothing() -> None:
    pace = Pace(0.002)

    assert [pace.rest(10 + i * 0.02, 10 + i * 0.02 + 0.0003) for i in range(50)] == [0.0] * 50


def test_one_that_takes_longer_than_the_spacing_is_followed_at_once() -> None:
    pace = Pace(0.002)

    assert [pace.rest(10 + i * 0.003, 10 + (i + 1) * 0.003) for i in range(50)] == [0.0] * 50


def test_without_spacing_nothing_waits() -> None:
    pace = Pace(0)

    assert [pace.rest(10.0, 10.0) for _ in range(10)] == [0.0] * 10


def test_few_turns_keep_a_short_distance_and_many_the_whole() -> None:
    def settled(crowd: int) -> float:
        pace, rest = Pace(0.002), 0.0
        for at in range(20):
            rest = pace.rest(at * 1e-9, at * 1e-9, crowd=crowd) / (at + 1)
        return rest

    assert settled(0) == 0
    assert settled(1) <= A_TURN_S
    assert 0 < settled(10) < settled(1000) <= 0.002
