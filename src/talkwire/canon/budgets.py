"""Budgets: how much somebody may use in a day, in a month, and in all.

Days and months are those of UTC. A turn counts when it ends. Times are Unix milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal

from msgspec import Struct

Period = Literal["day", "month", "total"]
PERIODS: tuple[Period, ...] = ("day", "month", "total")


class Payer(Struct, frozen=True):
    """Whose usage is added up: of an API key by its id, or of a user with all of their keys."""

    kind: Literal["key", "user"]
    id: str


class Sum(Struct, frozen=True):
    """Tokens, in and out, and what they cost where that is known."""

    tokens: int = 0
    cost: float = 0.0

    def plus(self, other: Sum) -> Sum:
        """Both together."""
        return Sum(self.tokens + other.tokens, self.cost + other.cost)


class Budget(Struct, frozen=True, omit_defaults=True):
    """What may be used: tokens, and money in whatever unit the models' prices have. None is no
    limit.
    """

    day: int | None = None
    month: int | None = None
    total: int | None = None
    cost_day: float | None = None
    cost_month: float | None = None
    cost_total: float | None = None

    def limits(self) -> Iterator[tuple[Period, int | None, float | None]]:
        """The periods with a limit, and their limits of tokens and of money."""
        for period in PERIODS:
            tokens = getattr(self, period)
            cost = getattr(self, f"cost_{period}")
            if tokens is not None or cost is not None:
                yield period, tokens, cost

    @property
    def is_none(self) -> bool:
        """Nothing is limited."""
        return not any(True for _ in self.limits())

    def since(self, at: int) -> int:
        """From when on usage counts for any of the limits, at a time."""
        return min((start(period, at) for period, _, _ in self.limits()), default=at)


class Spending(Struct, frozen=True):
    """What was used in the day and the month of `at`, and ever."""

    at: int
    day: Sum = Sum()
    month: Sum = Sum()
    total: Sum = Sum()

    def of(self, period: Period, now: int) -> Sum:
        """What was used of a period as it is now: a new one begins with nothing."""
        found: Sum = getattr(self, period)
        return found if start(period, self.at) == start(period, now) else Sum()

    def plus(self, used: Sum, now: int) -> Spending:
        """With what was used just now."""
        day, month, total = (self.of(period, now).plus(used) for period in PERIODS)
        return Spending(now, day, month, total)


def start(period: Period, at: int) -> int:
    """When the period began that a time falls into; 0 for all time."""
    if period == "total":
        return 0
    day = datetime.fromtimestamp(at // 1000, UTC).replace(hour=0, minute=0, second=0)
    return _ms(day if period == "day" else day.replace(day=1))


def end(period: Period, at: int) -> int | None:
    """When the next one begins; None: never."""
    if period == "total":
        return None
    begun = datetime.fromtimestamp(start(period, at) // 1000, UTC)
    if period == "day":
        return _ms(begun + timedelta(days=1))
    return _ms((begun + timedelta(days=31)).replace(day=1))


def _ms(when: datetime) -> int:
    return int(when.timestamp()) * 1000
