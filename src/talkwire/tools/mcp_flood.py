"""How much an MCP server may send: one message, and all of them together."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

MESSAGE_BYTES = 8 * 1024 * 1024
"""The largest single message that is read."""

BURST_BYTES = 64 * 1024 * 1024
"""What may come at once, whatever it is."""

STEADY_BYTES_A_SECOND = 2 * 1024 * 1024
"""What may come for ever."""

LEAST_BYTES = 16 * 1024
"""What a message counts for at least: to take one in costs time, however small it is."""

BURST_NEWS = 1000
STEADY_NEWS_A_SECOND = 100
"""So many notifications are taken in, at once and for ever; further ones are passed over."""


class Flooded(RuntimeError):
    """The server sends more than anything here could want. Its message is for people."""


class _Bucket:
    """Refilled steadily, up to a burst."""

    def __init__(self, burst: float, a_second: float, clock: Callable[[], float]) -> None:
        self._burst = self._left = burst
        self._a_second = a_second
        self._clock = clock
        self._at = clock()

    def take(self, amount: float) -> bool:
        """Whether as much was left; if not, nothing is taken."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) * self._a_second)
        self._at = now
        if amount > self._left:
            return False
        self._left -= amount
        return True


class Allowance:
    """What a server may still send."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._bytes = _Bucket(BURST_BYTES, STEADY_BYTES_A_SECOND, clock)
        self._news = _Bucket(BURST_NEWS, STEADY_NEWS_A_SECOND, clock)

    def spend(self, size: int, messages: int = 0) -> None:
        """Raises Flooded when that is too much. `messages` is how many of them it holds."""
        if not self._bytes.take(max(size, messages * LEAST_BYTES)):
            raise Flooded("It floods: more came than is read of any server.")

    def heeds(self) -> bool:
        """Whether one more notification is taken in."""
        return self._news.take(1)
