"""Threads of a model's own, for functions that block.

They are daemons, so that a function that hangs does not keep the process from ending.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
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
        self._jobs: deque[_Job] = deque()
        self._news = threading.Condition()  # of what follows, and of `_jobs`
        self._closed = False

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
        with self._news:
            self._jobs.append(job)
            self._news.notify()
        try:
            return await job.outcome()
        except asyncio.CancelledError:
            self._give_up(job)
            raise

    def close(self) -> None:
        """What waits is given up, what runs is left to end by itself."""
        with self._news:
            waiting = tuple(self._jobs)
            self._closed = True
            self._news.notify_all()
        for job in waiting:
            self._give_up(job)

    def _work(self) -> None:
        while (job := self._next()) is not None:
            job.run()
            del job  # not kept until the next one comes

    def _next(self) -> _Job | None:
        with self._news:
            self._news.wait_for(lambda: self._jobs or self._closed)
            return self._jobs.popleft() if self._jobs else None

    def _give_up(self, job: _Job) -> None:
        if job.cancel():
            self._leave()
        with self._news, suppress(ValueError):  # a thread may have it
            self._jobs.remove(job)

    def _leave(self) -> None:
        self._inside -= 1


class _Job:
    """Work on its way through a thread. All but `run` is for the loop."""

    def __init__(self, work: Callable[[], Any], leave: Callable[[], None]) -> None:
        # None: begun, or given up.
        self._work: Callable[[], Any] | None = partial(contextvars.copy_context().run, work)
        self._leave = leave
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[tuple[Any, BaseException | None]] = self._loop.create_future()
        self._lock = threading.Lock()

    async def outcome(self) -> Any:
        value, error = await self._done
        if error is not None:
            raise error
        return value

    def cancel(self) -> bool:
        """Nobody waits for it any more; whether it had not begun, and never will."""
        self._done.cancel()
        return self._taken() is not None

    def run(self) -> None:
        work = self._taken()
        if work is None:
            return
        value, raised = None, None
        try:
            value = work()
        except BaseException as error:
            raised = error
        with suppress(RuntimeError):  # the loop may be gone by then
            self._loop.call_soon_threadsafe(self._end, value, raised)

    def _taken(self) -> Callable[[], Any] | None:
        """The work, for the first who asks."""
        with self._lock:
            work, self._work = self._work, None
        return work

    def _end(self, value: Any, raised: BaseException | None) -> None:
        self._leave()
        if not self._done.done():
            self._done.set_result((value, raised))
