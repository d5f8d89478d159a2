"""What the settings ask to store in: SQLite or PostgreSQL, and Redis beside it or not.

PostgreSQL's side is loaded where it is asked for: it takes a tenth of a start without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from talkwire.canon.records import NodeRecord
from talkwire.journals.wake import NoSignals, RedisSignals
from talkwire.settings import Settings
from talkwire.stores.cache import CachedRecords, Histories
from talkwire.stores.database import Database
from talkwire.stores.migrating import HEAD
from talkwire.stores.nodes import SqlNodes
from talkwire.stores.redis import Away, RedisChannel, RedisLink
from talkwire.stores.roster import Roster
from talkwire.stores.sqlite_database import SqliteDatabase
from talkwire.stores.turns import SqlRecords

if TYPE_CHECKING:
    from talkwire.stores.postgres_database import PostgresDatabase
    from talkwire.stores.postgres_nodes import PostgresNodes


@dataclass(frozen=True)
class Storage:
    """The database is the truth; `link` and `signals` may be without Redis, and lose it."""

    database: Database
    nodes: SqlNodes | PostgresNodes
    records: SqlRecords
    link: RedisLink | None
    signals: NoSignals | RedisSignals
    histories: Histories | None = None

    async def open(self, stack: AsyncExitStack) -> None:
        """Open the database, become a node, and listen to the others; undone by `stack`.

        :raises StorageUnavailable, Unavailable: the database cannot be used by this process.
        """
        await self.database.open()
        stack.push_async_callback(self.database.close)
        if self.link is not None:
            stack.push_async_callback(self.link.close)
        await self.nodes.join()
        stack.push_async_callback(self.nodes.leave)
        await self.signals.open()
        stack.push_async_callback(self.signals.close)

    def degraded(self) -> Mapping[str, str]:
        """The parts that are away and can be done without, and why."""
        fault = self.signals.fault or (self.link.fault if self.link is not None else None)
        return {} if fault is None else {"redis": fault}


def storage(settings: Settings) -> Storage:
    """As the settings ask for it; not open yet."""
    database = database_of(settings)
    dead_after_s = settings.node.dead_after_s
    nodes: SqlNodes | PostgresNodes
    if isinstance(database, SqliteDatabase):
        nodes = SqlNodes(database, dead_after_s=dead_after_s)
    else:
        from talkwire.stores.postgres_nodes import PostgresNodes

        nodes = PostgresNodes(database, dead_after_s=dead_after_s)
    asked = settings.redis
    if asked.url is None:
        records = SqlRecords(database, lambda: nodes.node)
        return Storage(database, nodes, records, None, NoSignals())
    url = asked.url.get_secret_value()
    link = RedisLink(url, max_connections=asked.max_connections, timeout_s=asked.timeout_s)
    histories = Histories(link)
    records = CachedRecords(database, lambda: nodes.node, histories=histories)
    return Storage(database, nodes, records, link, RedisSignals(RedisChannel(url)), histories)


def database_of(settings: Settings) -> SqliteDatabase | PostgresDatabase:
    """Not open yet."""
    asked = settings.database
    fence = settings.testing.fence
    if asked.url is None or not asked.is_postgres:
        return SqliteDatabase(settings.sqlite_path, fence=fence)
    from talkwire.stores.postgres_database import PostgresDatabase

    return PostgresDatabase(
        asked.url.get_secret_value(),
        pool_size=asked.pool_size,
        max_overflow=asked.max_overflow,
        connect_timeout_s=asked.connect_timeout_s,
        statement_timeout_s=asked.statement_timeout_s,
        fence=fence,
    )


def upgrade(settings: Settings) -> tuple[str | None, str]:
    """Bring the schema up to date; the revision it had, and has. Blocks. See `upgrading`."""
    from talkwire.stores import upgrading

    url = settings.database.url
    if url is None or not settings.database.is_postgres:
        return upgrading.upgrade_sqlite(settings.sqlite_path)
    return upgrading.upgrade_postgres(url.get_secret_value())


def revision(settings: Settings) -> tuple[str | None, str]:
    """The revision that the schema is at, and that this version needs. Blocks."""
    from talkwire.stores import upgrading

    url = settings.database.url
    if url is None or not settings.database.is_postgres:
        return upgrading.sqlite_revision(settings.sqlite_path), HEAD
    return upgrading.postgres_revision(url.get_secret_value()), HEAD


async def nodes(settings: Settings) -> list[NodeRecord]:
    """The nodes on the database of these settings. The schema must be this version's.

    :raises StorageUnavailable: the database cannot be opened.
    """
    database = database_of(settings)
    await database.open()
    try:
        return await Roster(database).nodes()
    finally:
        await database.close()


async def redis_fault(settings: Settings) -> str | None:
    """Why the Redis of these settings cannot be used; None: it can be, or there is none."""
    asked = settings.redis
    if asked.url is None:
        return None
    link = RedisLink(asked.url.get_secret_value(), timeout_s=asked.timeout_s)
    try:
        await link.probe()
    except Away as error:
        return str(error)
    finally:
        await link.close()
    return None
