"""Shutting down in two steps: the first signal drains and then stops, a second one stops at once.

Servers tell an application of their end only after its streams have ended, which is too late to
end the streams. So the handlers that the server has installed are chained, not replaced: ours is
called first and theirs when the drain is over.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGINT)
Drain = Callable[[], Awaitable[None]]


class Draining:
    """Installed while the application runs, by `install` at its start and `remove` at its end.

    `drain` must return in bounded time; whatever it raises, the previous handler is called. A
    second signal is passed on at once, and `at_once` ends what `drain` would have waited for.
    """

    def __init__(self, drain: Drain, *, at_once: Drain | None = None) -> None:
        self._drain = drain
        self._at_once = at_once
        self._hurrying: asyncio.Task[None] | None = None
        self._previous: dict[int, Any] = {}
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.begun = False
        self._passed = False

    def install(self) -> None:
        """Chain the handlers; does nothing outside of the main thread, which has no signals."""
        if threading.current_thread() is not threading.main_thread():
            return
        self._loop = asyncio.get_running_loop()
        for number in SIGNALS:
            self._previous[number] = signal.signal(number, self._on_signal)

    def remove(self) -> None:
        """Put the previous handlers back, where ours are still in place."""
        for number, previous in self._previous.items():
            if signal.getsignal(number) == self._on_signal:
                signal.signal(number, previous)
        self._previous.clear()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        loop = self._loop
        if self.begun or loop is None or loop.is_closed():
            self._pass_on(number, frame)
            if loop is not None and not loop.is_closed():
                loop.call_soon_threadsafe(self._hurry)
            return
        self.begun = True
        loop.call_soon_threadsafe(self._begin, number)

    def _begin(self, number: int) -> None:
        self._task = asyncio.get_running_loop().create_task(self._drain_first(number))

    def _hurry(self) -> None:
        if self._at_once is not None and self._hurrying is None:
            self._hurrying = asyncio.ensure_future(self._at_once())

    async def _drain_first(self, number: int) -> None:
        try:
            await self._drain()
        finally:
            if not self._passed:  # servers take a second call for a wish to stop without an end
                self._pass_on(number, None)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        """What would have happened without us."""
        self._passed = True
        previous = self._previous.get(number, signal.SIG_DFL)
        if callable(previous):
            previous(number, frame)
        elif previous == signal.SIG_DFL:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
