"""The writer's thread that every database has: what is queued when it comes by is one group.

How a group is stored is the database's own business (`_store`); here is the queue, the order, and
the way back to the event loop. A unit is a plain function of a connection; it must not commit.
It runs in the writer's thread, and may be run again where the database asks for it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from time import monotonic, sleep
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection

from talkwire.canon.errors import StorageUnavailable
from talkwire.stores.pace import Pace

T = TypeVar("T")
Unit = Callable[[Connection], T]
Guard = tuple[str, int]
"""A node's id and epoch."""

Result = tuple[Any, BaseException | None]

Timed = Callable[[str, float, int, bool], None]
"""Told of a `read` or a `commit`: how many seconds it took, how many units of work it was, and
whether the database answered."""


class Job(NamedTuple):
    """A unit of work with what its caller knew. `guard` is what was in force when it came."""

    unit: Unit[Any]
    future: asyncio.Future[Any]
    locks: Sequence[str]
    guard: Guard | None


class Writing:
    """`spacing_s` is the time between the beginnings of transactions in busy times (see `pace`):
    a quiet database waits for nothing, a busy one makes larger groups. `crowd` tells how many
    turns are running, where somebody knows; `timed` is told of each transaction, in whatever
    thread it is. `fence=False` is for tests.
    """

    def __init__(self, *, spacing_s: float, fence: bool) -> None:
        self.crowd: Callable[[], int | None] = lambda: None
        self.timed: Timed = lambda *_: None
        self._pace = Pace(spacing_s)
        self._fence = fence
        self._guard: Guard | None = None
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def guard(self, node: str, epoch: int) -> None:
        """From now on commits hold only while this node's row carries this epoch."""
        if self._fence:
            self._guard = (node, epoch)

    @property
    def queued(self) -> int:
        """Units of work that the writer has not taken yet."""
        return self._queue.qsize()

    def submit(self, unit: Unit[T], *, locks: Sequence[str] = ()) -> asyncio.Future[T]:
        """Queue a unit of work; the future is done once its transaction is, in order of queueing.

        Cancelling the future does not undo the work. Units of one transaction do not harm each
        other: one that raises is rolled back alone, with all it wrote. No two units that name one
        of the same `locks` run at the same time, on whatever node.

        :raises Fenced: (in the future) another process took the node over; nothing was stored.
        :raises StorageUnavailable: (in the future) full, locked, broken or away. Nothing was
            stored, or it is not known whether it was: after a connection that broke.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if self._thread is None:
            future.set_exception(StorageUnavailable("The database is not open."))
        else:
            self._queue.put(Job(unit, future, locks, self._guard))
        return future

    async def write(self, unit: Unit[T], *, locks: Sequence[str] = ()) -> T:
        """Run a unit of work in the next transaction; see `submit`."""
        return await self.submit(unit, locks=locks)

    async def _watched(self, reading: Awaitable[T]) -> T:
        """What is read, as long as whoever asked has waited for it."""
        begun, answered = monotonic(), True
        try:
            return await reading
        except StorageUnavailable:
            answered = False
            raise
        finally:
            self.timed("read", monotonic() - begun, 1, answered)

    def _begin(self, store: Callable[[list[Job]], list[Result]]) -> None:
        """Start the thread. `store` never raises: it gives each job its result or its error."""
        self._thread = threading.Thread(
            target=self._write_on,
            args=(store, asyncio.get_running_loop()),
            name="talkwire-writer",
            daemon=True,
        )
        self._thread.start()

    async def _finish(self) -> None:
        """Store what is queued and end the thread. May be called twice."""
        if self._thread is not None:
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    def _write_on(
        self, store: Callable[[list[Job]], list[Result]], loop: asyncio.AbstractEventLoop
    ) -> None:
        """The thread. It rests after a commit, so that a busy loop wakes it once."""
        while True:
            job = self._queue.get()
            begun = monotonic()
            jobs = [job] if job is not None else []
            for _ in range(self._queue.qsize()):
                if job is None:
                    break
                job = self._queue.get()
                if job is not None:
                    jobs.append(job)
            if jobs:
                results = store(jobs)
                stored = not any(isinstance(error, StorageUnavailable) for _, error in results)
                self.timed("commit", monotonic() - begun, len(jobs), stored)
                # A closed loop: what was to be stored is stored, and nobody waits for it.
                with suppress(RuntimeError):
                    loop.call_soon_threadsafe(_resolve, jobs, results)
            if job is None:
                return
            rest = self._pace.rest(begun, monotonic(), crowd=self.crowd())
            if rest > 0:
                sleep(rest)


def _resolve(jobs: list[Job], results: list[Result]) -> None:
    for job, (result, error) in zip(jobs, results, strict=True):
        if job.future.done():
            continue
        if error is None:
            job.future.set_result(result)
        else:
            job.future.set_exception(error)
