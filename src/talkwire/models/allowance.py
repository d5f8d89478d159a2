"""How much may be asked again: a share of what is asked, so that failures do not multiply load."""

from __future__ import annotations

import time
from collections.abc import Callable

SHARE = 0.2
RESERVE = 100.0
A_SECOND = 1.0


class Allowance:
    """A bucket of tokens; each further attempt costs one.

    It begins full with `reserve`, gains `share` with each request and `a_second` with each second,
    so that a quiet server may always ask again. One for a process.
    """

    def __init__(
        self,
        *,
        share: float = SHARE,
        reserve: float = RESERVE,
        a_second: float = A_SECOND,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._share = share
        self._reserve = reserve
        self._a_second = a_second
        self._clock = clock
        self._tokens = reserve
        self._at = clock()

    def earn(self) -> None:
        """A request has come."""
        self._tokens = min(self._tokens + self._share, self._reserve)

    def spend(self) -> bool:
        """Take a token for another attempt; False when there is none."""
        now = self._clock()
        gained = (now - self._at) * self._a_second
        self._at = now
        self._tokens = min(self._tokens + gained, self._reserve)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
