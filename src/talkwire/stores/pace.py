"""When the next transaction may begin, so that busy times make larger groups and not more commits.

See docs/decisions/0006-commit-spacing.md. Pure: times are given, in seconds of any one clock.
"""

from __future__ import annotations

BURST = 4
"""So many transactions may follow each other at once after a pause: a turn's start, its first
token and its neighbours wait for nothing."""


class Pace:
    """Beginnings of transactions, `spacing_s` apart on average; 0 is no pace at all."""

    def __init__(self, spacing_s: float) -> None:
        self._spacing_s = spacing_s
        self._due = 0.0

    def rest(self, begun: float, now: float) -> float:
        """Seconds from `now` until the next one may begin, when the last one began at `begun`."""
        earliest = begun - (BURST - 1) * self._spacing_s
        self._due = max(self._due, earliest) + self._spacing_s
        return max(0.0, self._due - now)
