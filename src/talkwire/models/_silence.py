"""How long a model may say nothing: until its first token, and between its tokens."""

from __future__ import annotations

import asyncio
from typing import Protocol

from talkwire.canon.errors import ModelError, UpstreamTimeout


class Heard(Protocol):
    """An answer, as far as its silence goes."""

    @property
    def awaited(self) -> bool: ...
    def fail(self, error: ModelError) -> None: ...


class Silence:
    """One timer for both limits, in seconds. Nobody re-arms it a token: when it fires it looks by
    itself how long the silence is; `since` is when the reader began to wait, by the loop's clock.
    """

    __slots__ = ("_answer", "_due", "_first_s", "_idle_s", "_loop", "_timer", "flowing", "since")

    def __init__(
        self, answer: Heard, loop: asyncio.AbstractEventLoop, first_s: float, idle_s: float
    ) -> None:
        self.flowing = False
        self.since = loop.time()
        self._answer = answer
        self._loop = loop
        self._first_s = first_s
        self._idle_s = idle_s
        self._due = self.since + first_s
        self._timer: asyncio.TimerHandle | None = loop.call_at(self._due, self._look)

    def flow(self, within_s: float | None = None) -> None:
        """Only silence between tokens is limited from now on, by `within_s` if that is less."""
        if self._timer is None:
            return
        self.flowing = True
        if within_s is not None:
            self._idle_s = min(self._idle_s, within_s)
        self._timer.cancel()
        self._timer = self._loop.call_later(self._idle_s, self._look)

    def stop(self) -> None:
        """Nothing is limited any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        now = self._loop.time()
        if not self._answer.awaited:
            due = now + self._idle_s  # the reader is busy: the server is not to blame
        else:
            due = self.since + self._idle_s if self.flowing else self._due
        if due > now:
            self._timer = self._loop.call_at(due, self._look)
            return
        self._timer = None
        if self.flowing:
            self._answer.fail(UpstreamTimeout(f"The model said nothing for {self._idle_s:g} s."))
        else:
            message = f"The model said nothing within {self._first_s:g} s."
            self._answer.fail(UpstreamTimeout(message))
