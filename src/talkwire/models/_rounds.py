"""Hands on what many answers have read together, so that a busy process works in rounds.

A token that is handled alone costs about twice what one of a batch costs: each way through codec,
journal and client begins with cold caches and has a commit of its own. So an answer that is in the
midst of its stream is handed on with the others of the round, and what it has read since its last
one is handed on as one. The time between rounds grows with how much is read: nobody waits on a
quiet server, and on a busy one nobody sees the few hundredths of a second.

See docs/decisions/0012-rounds-by-load.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

A_READ = 800
"""What a network read costs beside its bytes, in bytes that cost as much."""

A_BYTE_S = 0.000_000_008
"""What each byte a second adds to the time between rounds: 8 ms at a megabyte, or at a thousand
reads of a token."""

MOST_S = 0.05
"""The longest time between rounds: 20 of them a second still look like one flow."""

_MEMORY_S = 0.2


class Tempo:
    """How far apart rounds are, by what is read. Pure: times are given, in seconds of one clock."""

    def __init__(self) -> None:
        self._last = 0.0
        self._rate = 0.0  # load a second, of late

    @property
    def due(self) -> float:
        """When the next round may be."""
        return self._last + min(self._rate * A_BYTE_S, MOST_S)

    def round(self, now: float, load: int) -> bool:
        """A round, after so much load since the last one; False where no time has passed since."""
        passed = now - self._last
        if passed <= 0:
            return False
        self._rate += (load / passed - self._rate) * min(1.0, passed / _MEMORY_S)
        self._last = now
        return True


class Rounds:
    """The rounds of one client. `load` is counted up by whoever reads from the network: `A_READ`
    and the bytes of each read.
    """

    def __init__(self) -> None:
        self.load = 0
        self._tempo = Tempo()
        self._waiting: list[Callable[[float], None]] = []
        self._armed = False

    def join(self, give: Callable[[float], None]) -> None:
        """Call `give` in the next round, with its time by the loop's clock: at once when the last
        one is long enough ago. It must not raise.
        """
        self._waiting.append(give)
        if self._armed:
            return
        loop = asyncio.get_running_loop()
        due = self._tempo.due
        if loop.time() >= due:
            self._round(loop)
        else:
            self._armed = True
            loop.call_at(due, self._round, loop)

    def _round(self, loop: asyncio.AbstractEventLoop) -> None:
        self._armed = False
        now = loop.time()
        if self._tempo.round(now, self.load):
            self.load = 0
        waiting, self._waiting = self._waiting, []
        for give in waiting:
            give(now)
