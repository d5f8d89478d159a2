"""The PostgreSQL database: one connection that writes, a pool for all else.

The writer stores in groups, as SQLite's does; the first statement of a transaction is the fence,
which holds the node's row until the transaction ends. A group that a deadlock has ended is stored
unit by unit. A connection that breaks is made anew with the next group. No connection is held
between calls but the writer's own.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from time import monotonic, sleep
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, QueuePool

from talkwire.canon.errors import Fenced, StorageUnavailable
from talkwire.stores import migrating, partitions, postgres
from talkwire.stores.postgres import Driver
from talkwire.stores.postgres_errors import Again, Lost, broken, in_full, translated
from talkwire.stores.watch import Watch
from talkwire.stores.writing import Guard, Job, Result, Unit, Writing

T = TypeVar("T")

_TIMES = 3
_BETWEEN_S = 0.2
_RECONNECT_TIMEOUT_S = 2.0
_LOOK_EVERY_S = 1.0
_END_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE application_name = %s AND pid <> pg_backend_pid()"
)
_LOST = "The connection to the database was lost."


class PostgresDatabase(Writing):
    """One PostgreSQL database. `open` before use; `close` drains what is queued. See `Writing`.

    There are at most `pool_size + max_overflow` connections (two at least), of which the writer
    has one; those beyond `pool_size` are closed after use. `silence_s` is how long a connection
    may leave a unit of work without an answer before it is given up.
    """

    partitioned = True

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 5,
        max_overflow: int = 10,
        connect_timeout_s: float = 5,
        statement_timeout_s: float = 10,
        silence_s: float = 5,
        spacing_s: float = 0.002,
        fence: bool = True,
    ) -> None:
        super().__init__(spacing_s=spacing_s, fence=fence)
        self._url = url
        self._statement_timeout_s = statement_timeout_s
        self._max_overflow = max_overflow
        self._watch = Watch(silence_s)
        self._name = f"talkwire {secrets.token_hex(4)}"
        self._engine = self._made(
            "reader", connect_timeout_s, pool_size=max(1, pool_size - 1), max_overflow=max_overflow
        )
        self._writing = self._made("writer", _RECONNECT_TIMEOUT_S, poolclass=NullPool)
        readers = max(1, pool_size + max_overflow - 1)
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="talkwire-reader")
        self._writer: Connection | None = None
        self._closed = False
        self._settle = False
        self._tried = 0.0
        self._looking: asyncio.TimerHandle | None = None

    async def open(self) -> None:
        """Connect, look at the schema (one that is missing altogether is made) and start to write.

        :raises StorageUnavailable: the server does not answer, or the schema is not this version's.
        """
        try:
            await self._in_reader(lambda: self._borrowed(migrating.prepare_postgres))
        except StorageUnavailable as error:
            raise in_full(error) from error
        self._look()
        await self.apart(partitions.make)
        self._begin(self._store)

    async def close(self) -> None:
        """Write what is queued, then close all connections. May be called twice."""
        await self._finish()
        self._closed = True
        await asyncio.to_thread(self._readers.shutdown)
        await asyncio.to_thread(self._unlink)
        self._engine.dispose()
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None

    async def read(self, query: Unit[T]) -> T:
        """Run queries on one consistent snapshot, on a connection of the pool.

        :raises StorageUnavailable: the database does not answer.
        """
        return await self._watched(
            self._in_reader(
                lambda: self._borrowed(lambda c: postgres.snapshot(c, query), again=True)
            )
        )

    async def apart(self, unit: Unit[T]) -> T:
        """Run a unit in a transaction of its own on a connection of the pool, without the fence.

        :raises StorageUnavailable: the database does not answer, or it is not known whether it
            was stored.
        """
        return await self._in_reader(lambda: self._borrowed(lambda c: postgres.once(c, unit)))

    def pool(self) -> dict[str, int]:
        """The pool's connections: `size` are kept, `in_use` are lent, `overflow` are open beyond
        `size`, and `most` there may be. The writer has one of its own.
        """
        pool = self._engine.pool
        if not isinstance(pool, QueuePool):
            raise TypeError("readers have a pool")
        return {
            "size": pool.size(),
            "in_use": pool.checkedout(),
            "idle": pool.checkedin(),
            "overflow": max(0, pool.overflow()),
            "most": pool.size() + self._max_overflow,
        }

    async def _in_reader(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise StorageUnavailable("The database is not open.")
        return await asyncio.get_running_loop().run_in_executor(self._readers, work)

    def _borrowed(self, work: Callable[[Connection], T], *, again: bool = False) -> T:
        """Do something with a connection of the pool; with `again` also a second time, where
        the first connection turned out to be broken, as all are after a restart of the server."""
        try:
            with translated():
                return self._with_connection(work)
        except Lost as lost:
            self._engine.dispose()
            if not again:
                raise StorageUnavailable(_LOST) from lost
        return self._borrowed(work)

    def _with_connection(self, work: Callable[[Connection], T]) -> T:
        try:
            with self._engine.connect() as connection:
                driver = postgres.raw(connection)
                self._watch.begin(driver)
                try:
                    return work(connection)
                except (DBAPIError, psycopg.Error) as error:
                    if not broken(driver, error):
                        raise
                    connection.invalidate()
                    raise Lost(unsure=True) from error
        finally:
            self._watch.end()

    def _made(self, role: str, timeout_s: float, **pool: Any) -> Engine:
        return create_engine(
            "postgresql+psycopg://",
            creator=lambda: self._connect(role, timeout_s),
            isolation_level="AUTOCOMMIT",
            use_native_hstore=False,
            hide_parameters=True,
            **pool,
        )

    def _connect(self, role: str, timeout_s: float) -> Driver:
        driver = postgres.connect(
            self._url,
            name=f"{self._name} {role}",
            connect_timeout_s=timeout_s,
            statement_timeout_s=self._statement_timeout_s,
        )
        self._watch.begin(driver)
        return driver

    def _store(self, jobs: list[Job]) -> list[Result]:
        """Store a group, in the writer's thread. Who came under an older guard is refused."""
        guard = self._guard
        old = [job.guard is not None and job.guard != guard for job in jobs]
        valid = [job for job, late in zip(jobs, old, strict=True) if not late]
        try:
            results = iter(self._group(valid, guard) if valid else [])
        finally:
            self._watch.end()
        fenced = Fenced("Another process has taken over this node.")
        return [(None, fenced) if late else next(results) for late in old]

    def _group(self, jobs: list[Job], guard: Guard | None) -> list[Result]:
        try:
            return self._transact(jobs, guard)
        except Again as again:
            self._mend(again)
        return [self._by_itself(job, guard) for job in jobs]

    def _by_itself(self, job: Job, guard: Guard | None) -> Result:
        for _ in range(_TIMES):
            try:
                (result,) = self._transact([job], guard)
            except Again as again:
                self._mend(again)
            else:
                return result
        return None, StorageUnavailable("The database is too busy with the same things now.")

    def _transact(self, jobs: list[Job], guard: Guard | None) -> list[Result]:
        """Store in one transaction; once more on a new connection where the old one turned out
        to be broken before anything could have been stored. :raises Again: see there."""
        units = [job.unit for job in jobs]
        locks = [lock for job in jobs for lock in job.locks]
        for _ in range(2):
            try:
                connection = self._linked()
            except StorageUnavailable as error:
                return [(None, error)] * len(jobs)
            alive = partial(self._watch.begin, postgres.raw(connection))
            alive()
            settle = self._settle
            try:
                results = postgres.transact(
                    connection, units, guard=guard, locks=locks, settle=settle, alive=alive
                )
            except Lost as lost:
                self._unlink(broken=True)
                self._settle = True
                if lost.unsure:
                    break
            else:
                if settle and any(error is None for _, error in results):
                    self._settle = False
                return results
        return [(None, StorageUnavailable(_LOST))] * len(jobs)

    def _linked(self) -> Connection:
        """The writer's connection. :raises StorageUnavailable: there is none to be had now."""
        if self._writer is not None:
            return self._writer
        pause_s = self._tried + _BETWEEN_S - monotonic()
        if pause_s > 0:
            sleep(pause_s)
        self._tried = monotonic()
        with translated():
            connection = self._writing.connect()
            try:
                # What a broken connection has left open on the server would hold up the fence.
                postgres.raw(connection).execute(_END_OTHERS, (f"{self._name} writer",))
            except BaseException:
                connection.invalidate()
                connection.close()
                raise
        self._writer = connection
        return connection

    def _unlink(self, *, broken: bool = False) -> None:
        if self._writer is not None:
            with suppress(DBAPIError, psycopg.Error):
                if broken:
                    self._writer.invalidate()  # or closing would try to reset it
                self._writer.close()
            self._writer = None

    def _mend(self, again: Again) -> None:
        if again.unpartitioned:
            with suppress(StorageUnavailable):  # the next try tells
                self._borrowed(lambda c: postgres.once(c, partitions.make))

    def _look(self) -> None:
        """Now and then, on the event loop: break the connections that have fallen silent."""
        self._watch.cut()
        self._looking = asyncio.get_running_loop().call_later(_LOOK_EVERY_S, self._look)
