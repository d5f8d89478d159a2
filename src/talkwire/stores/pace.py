"""When the next transaction may begin, so that busy times make larger groups and not more commits.

See docs/decisions/0006-commit-spacing.md. Pure: times are given, in seconds of any one clock.
"""

from __future__ import annotations

BURST = 4
"""So many transactions may follow each other at once after a pause: a turn's start, its first
token and its neighbours wait for nothing."""

A_TURN_S = 0.000_04
"""What a turn that runs adds to the distance, until that is `spacing_s`."""


class Pace:
    """Beginnings of transactions, at most `spacing_s` apart on average; 0 is no pace at all."""

    def __init__(self, spacing_s: float) -> None:
        self._spacing_s = spacing_s
        self._due = 0.0

    def rest(self, begun: float, now: float, *, crowd: int | None = None) -> float:
        """Seconds from `now` until the next one may begin, when the last one began at `begun`.

        `crowd` is how many turns may have something to write: with few of them there is little
        to gather and the distance is as short. None: as if there were many.
        """
        spacing_s = self._spacing_s
        if crowd is not None:
            spacing_s = min(spacing_s, crowd * A_TURN_S)
        earliest = begun - (BURST - 1) * spacing_s
        self._due = max(self._due, earliest) + spacing_s
        return max(0.0, self._due - now)
