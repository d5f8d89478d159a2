"""The SQLite database: one thread that writes, a few that read.

All that is queued when the writer comes by goes into one transaction (group commit), each unit
of work in a savepoint of its own when it has company. The first statement of each transaction is
the fence: the node's row must still carry this process's epoch. A unit is a plain function of a
connection; it must not commit, and it runs in the writer's thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from time import monotonic, sleep
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection

from talkwire.canon.errors import StorageUnavailable
from talkwire.stores import sqlite
from talkwire.stores.pace import Pace
from talkwire.stores.sqlite import translated

T = TypeVar("T")
Unit = Callable[[Connection], T]


class _Job(NamedTuple):
    unit: Unit[Any]
    future: asyncio.Future[Any]


class Database:
    """One SQLite file. `open` before use; `close` drains what is queued.

    `spacing_s` is the time between the beginnings of transactions in busy times (see `pace`): a
    quiet database waits for nothing, a busy one makes larger groups. `crowd` tells how many turns
    are running, where somebody knows. `fence=False` is for tests.
    """

    def __init__(
        self, path: Path, *, spacing_s: float = 0.002, readers: int = 2, fence: bool = True
    ) -> None:
        self.path = path
        self._pace = Pace(spacing_s)
        self.crowd: Callable[[], int | None] = lambda: None
        self._fence = fence
        self._guard: tuple[str, int] | None = None
        self._engine = sqlite.engine(path)
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="talkwire-reader")
        self._reading = threading.local()
        self._writer: Connection | None = None
        self._thread: threading.Thread | None = None

    async def open(self) -> None:
        """Connect, bring the schema up to date and start to write.

        :raises StorageUnavailable: the file cannot be opened or brought up to date.
        """
        loop = asyncio.get_running_loop()
        self._writer = await asyncio.to_thread(sqlite.connect, self._engine, migrate=True)
        self._thread = threading.Thread(
            target=self._write_on,
            args=(self._writer, loop),
            name="talkwire-writer",
            daemon=True,
        )
        self._thread.start()

    async def close(self) -> None:
        """Write what is queued, then let go of the file. May be called twice."""
        if self._thread is not None:
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None
        await asyncio.to_thread(self._readers.shutdown)
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        self._engine.dispose()

    def guard(self, node: str, epoch: int) -> None:
        """From now on commits hold only while this node's row carries this epoch."""
        if self._fence:
            self._guard = (node, epoch)

    def submit(self, unit: Unit[T]) -> asyncio.Future[T]:
        """Queue a unit of work; the future is done once its transaction is, in order of queueing.

        Cancelling the future does not undo the work. Units of one transaction do not harm each
        other: one that raises is rolled back alone, with all it wrote.

        :raises Fenced: (in the future) another process took the node over; nothing was stored.
        :raises StorageUnavailable: (in the future) full, locked or broken; nothing was stored.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if self._thread is None:
            future.set_exception(StorageUnavailable("The database is not open."))
        else:
            self._queue.put(_Job(unit, future))
        return future

    async def write(self, unit: Unit[T]) -> T:
        """Run a unit of work in the next transaction; see `submit`."""
        return await self.submit(unit)

    async def read(self, query: Unit[T]) -> T:
        """Run queries on one consistent snapshot, in a reader's thread.

        :raises StorageUnavailable: the database does not answer.
        """
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._query, query)

    def _query(self, query: Unit[T]) -> T:
        with translated():
            connection: Connection | None = getattr(self._reading, "connection", None)
            if connection is None:
                connection = sqlite.connect(self._engine, migrate=False)
                self._reading.connection = connection
            return sqlite.snapshot(connection, query)

    def _write_on(self, writer: Connection, loop: asyncio.AbstractEventLoop) -> None:
        """The writer's thread. It rests after a commit, so that a busy loop wakes it once."""
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
                results = sqlite.transact(writer, [j.unit for j in jobs], self._guard)
                # A closed loop: what was to be stored is stored, and nobody waits for it.
                with suppress(RuntimeError):
                    loop.call_soon_threadsafe(_resolve, jobs, results)
            if job is None:
                return
            rest = self._pace.rest(begun, monotonic(), crowd=self.crowd())
            if rest > 0:
                sleep(rest)


def _resolve(jobs: list[_Job], results: list[tuple[Any, BaseException | None]]) -> None:
    for job, (result, error) in zip(jobs, results, strict=True):
        if job.future.done():
            continue
        if error is None:
            job.future.set_result(result)
        else:
            job.future.set_exception(error)
