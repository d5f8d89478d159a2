"""Hands on what many answers have read together, so that a busy process works in rounds.

A token that is handled alone costs about twice what one of a batch costs: each way through codec,
journal and client begins with cold caches and has a commit of its own. So an answer that is in the
midst of its stream is handed on with the others of the round. The time between
rounds grows with the number of open answers, from nothing for one to a few milliseconds for
hundreds: far below what a person or a client sees of a token, and nobody waits on a quiet server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sized

AN_ANSWER_S = 0.000_04  # what an open answer adds to the time between rounds
MOST_S = 0.005


class Rounds:
    """The rounds of one client; `open_answers` tells how many are being read."""

    def __init__(self, open_answers: Sized) -> None:
        self._open = open_answers
        self._waiting: list[Callable[[float], None]] = []
        self._armed = False
        self._last = 0.0

    def join(self, give: Callable[[float], None]) -> None:
        """Call `give` in the next round, with its time by the loop's clock: at once when the last
        one is long enough ago. It must not raise.
        """
        self._waiting.append(give)
        if self._armed:
            return
        loop = asyncio.get_running_loop()
        due = self._last + min(len(self._open) * AN_ANSWER_S, MOST_S)
        if loop.time() >= due:
            self._round(loop)
        else:
            self._armed = True
            loop.call_at(due, self._round, loop)

    def _round(self, loop: asyncio.AbstractEventLoop) -> None:
        self._armed = False
        self._last = now = loop.time()
        waiting, self._waiting = self._waiting, []
        for give in waiting:
            give(now)
