"""Threads of a model's own, for functions that block.

They are daemons, so that a function that hangs does not keep the process from ending.
"""

from __future__ import annotations

import asyncio
import contextvars
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

WAITING = 16
"""So many calls may wait for each thread."""


class Full(Exception):
    """Too many calls wait already."""


class Threads:
    """`count` threads at most, begun when they are needed; each does one thing after another.

    Work that is given up before its turn is not done; work that has begun keeps its thread until
    it has ended, and nobody hears what came of it.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._begun = 0
        self._inside = 0
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()

    async def run(self, work: Callable[[], Any]) -> Any:
        """Do it in a thread, in this context; raises what it raises.

        :raises Full: too many wait.
        """
        if self._inside >= self._count * (1 + WAITING):
            raise Full
        if self._begun < self._count and self._begun <= self._inside:
            self._begun += 1
            name = f"talkwire-model-{self._begun}"
            threading.Thread(target=self._work, name=name, daemon=True).start()
        job = _Job(work, self._leave)
        self._inside += 1
        self._jobs.put(job)
        return await job.outcome()

    def close(self) -> None:
        """What waits is given up, what runs is left to end by itself."""
        with suppress(queue.Empty):
            while (job := self._jobs.get_nowait()) is not None:
                job.cancel()
        for _ in range(self._begun):
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job.run()

    def _leave(self) -> None:
        self._inside -= 1


class _Job:
    """Work on its way through a thread. All but `run` is for the loop."""

    def __init__(self, work: Callable[[], Any], leave: Callable[[], None]) -> None:
        self._work = work
        self._leave = leave
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()
        self._done: asyncio.Future[tuple[Any, BaseException | None]] = self._loop.create_future()
        self._lock = threading.Lock()
        self._begun = self._given_up = False

    async def outcome(self) -> Any:
        try:
            value, error = await self._done
        except asyncio.CancelledError:
            self.cancel()
            raise
        if error is not None:
            raise error
        return value

    def cancel(self) -> None:
        self._done.cancel()
        with self._lock:
            if self._begun or self._given_up:
                return
            self._given_up = True
        self._leave()

    def run(self) -> None:
        with self._lock:
            if self._given_up:
                return
            self._begun = True
        value, raised = None, None
        try:
            value = self._context.run(self._work)
        except BaseException as error:
            raised = error
        with suppress(RuntimeError):  # the loop may be gone by then
            self._loop.call_soon_threadsafe(self._end, value, raised)

    def _end(self, value: Any, raised: BaseException | None) -> None:
        self._leave()
        if not self._done.done():
            self._done.set_result((value, raised))
