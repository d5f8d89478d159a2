"""Days and months of UTC, and sums that begin anew with them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.canon.budgets import Budget, Period, Spending, Sum, end, start


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("period", "at", "begun", "over"),
    [
        ("day", "2026-03-01T00:00:00", "2026-03-01", "2026-03-02"),
        ("day", "2026-02-28T23:59:59.999", "2026-02-28", "2026-03-01"),
        ("day", "2024-02-28T12:00:00", "2024-02-28", "2024-02-29"),
        ("month", "2026-12-31T23:59:59", "2026-12-01", "2027-01-01"),
        ("month", "2024-02-29T10:00:00", "2024-02-01", "2024-03-01"),
        ("month", "2026-01-31T10:00:00", "2026-01-01", "2026-02-01"),
    ],
)
def test_days_and_months_are_those_of_utc(period: Period, at: str, begun: str, over: str) -> None:
    assert start(period, ms(at)) == ms(begun)
    assert end(period, ms(at)) == ms(over)


@given(st.integers(0, 4_000_000_000_000), st.sampled_from(["day", "month"]))
def test_each_time_is_in_its_period_and_the_next_begins_where_it_ends(
    at: int, period: Period
) -> None:
    over = end(period, at)

    assert over is not None
    assert start(period, at) <= at < over
    assert start(period, over) == over


def test_all_time_has_no_beginning_and_no_end() -> None:
    assert (start("total", 5), end("total", 5)) == (0, None)


def test_a_new_day_begins_with_nothing_and_the_month_goes_on() -> None:
    before = Spending(ms("2026-03-01T23:00:00"), Sum(5, 0.5), Sum(50, 5.0), Sum(500, 50.0))
    now = ms("2026-03-02T01:00:00")

    assert [before.of(period, now).tokens for period in ("day", "month", "total")] == [0, 50, 500]
    after = before.plus(Sum(7, 1.0), now)
    assert after == Spending(now, Sum(7, 1.0), Sum(57, 6.0), Sum(507, 51.0))


def test_a_budget_looks_back_as_far_as_its_longest_period() -> None:
    now = ms("2026-03-17T09:00:00")

    assert Budget().is_none
    assert Budget(day=5).since(now) == ms("2026-03-17")
    assert Budget(day=5, cost_month=1.0).since(now) == ms("2026-03-01")
    assert Budget(cost_total=1.0, day=5).since(now) == 0
    assert list(Budget(day=5, cost_day=1.0, total=9).limits()) == [
        ("day", 5, 1.0),
        ("total", 9, None),
    ]
