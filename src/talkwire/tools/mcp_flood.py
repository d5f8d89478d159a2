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

LEAST_BYTES = 2048
"""What a message counts for at least: many small ones cost as much time as a few large ones."""


class Flooded(RuntimeError):
    """The server sends more than anything here could want. Its message is for people."""


class Allowance:
    """What a server may still send: refilled steadily, up to a burst."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._left = float(BURST_BYTES)
        self._at = clock()

    def spend(self, size: int, messages: int = 0) -> None:
        """Raises Flooded once nothing is left. `messages` is how many of them `size` bytes hold."""
        now = self._clock()
        refilled = self._left + (now - self._at) * STEADY_BYTES_A_SECOND
        self._at = now
        self._left = min(float(BURST_BYTES), refilled) - max(size, messages * LEAST_BYTES)
        if self._left < 0:
            raise Flooded("It floods: more came than is read of any server.")
