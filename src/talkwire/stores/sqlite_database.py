"""The SQLite database: one file, one thread that writes, a few that read.

All that is queued when the writer comes by goes into one transaction (group commit), each unit
of work in a savepoint of its own when it has company. The first statement of each transaction is
the fence: the node's row must still carry this process's epoch. Locks are not needed here: there
is one writer.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from talkwire.stores import sqlite
from talkwire.stores.sqlite import translated
from talkwire.stores.writing import Job, Result, Unit, Writing

T = TypeVar("T")


class SqliteDatabase(Writing):
    """One SQLite file. `open` before use; `close` drains what is queued. See `Writing`."""

    partitioned = False

    def __init__(
        self, path: Path, *, spacing_s: float = 0.002, readers: int = 2, fence: bool = True
    ) -> None:
        super().__init__(spacing_s=spacing_s, fence=fence)
        self.path = path
        self._engine = sqlite.engine(path)
        self._most_readers = readers
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="talkwire-reader")
        self._reading = threading.local()
        self._writer: Connection | None = None

    async def open(self) -> None:
        """Connect, bring the schema up to date and start to write.

        :raises StorageUnavailable: the file cannot be opened or brought up to date.
        """
        writer = await asyncio.to_thread(sqlite.connect, self._engine, migrate=True)
        self._writer = writer

        def store(jobs: list[Job]) -> list[Result]:
            return sqlite.transact(writer, [job.unit for job in jobs], self._guard)

        self._begin(store)

    async def close(self) -> None:
        """Write what is queued, then let go of the file. May be called twice."""
        await self._finish()
        await asyncio.to_thread(self._readers.shutdown)
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        self._engine.dispose()

    async def read(self, query: Unit[T]) -> T:
        """Run queries on one consistent snapshot, in a reader's thread.

        :raises StorageUnavailable: the database does not answer.
        """
        loop = asyncio.get_running_loop()
        return await self._watched(loop.run_in_executor(self._readers, self._query, query))

    async def apart(self, unit: Unit[T]) -> T:
        """As `write`: there is one writer, and one process to be fenced."""
        return await self.write(unit)

    def pool(self) -> dict[str, int]:
        """The connections there are: one writes, the others read."""
        return {"writers": 1 if self._writer is not None else 0, "readers": self._most_readers}

    def _query(self, query: Unit[T]) -> T:
        with translated():
            connection: Connection | None = getattr(self._reading, "connection", None)
            if connection is None:
                connection = sqlite.connect(self._engine, migrate=False)
                self._reading.connection = connection
            return sqlite.snapshot(connection, query)
