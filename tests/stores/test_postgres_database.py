"""What is PostgreSQL's own: links that break, servers that restart, groups that cross."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from threading import Event
from time import monotonic

import psycopg
import pytest
from sqlalchemy import Connection, text

from talkwire.canon.errors import StorageUnavailable
from talkwire.stores import postgres
from talkwire.stores.postgres_database import PostgresDatabase
from talkwire.stores.postgres_nodes import PostgresNodes
from tests.databases import add, count
from tests.services.link import Link
from tests.services.postgres import Postgres

_MINE = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"


@pytest.fixture
async def database(postgres_migrated: str) -> AsyncIterator[PostgresDatabase]:
    database = PostgresDatabase(postgres_migrated)
    await database.open()
    await PostgresNodes(database).join()
    yield database
    await database.close()


async def _until_stored(database: PostgresDatabase, name: str, within_s: float) -> float:
    """Store as soon as it works; how long that took."""
    begun = monotonic()
    while monotonic() - begun < within_s:
        with suppress(StorageUnavailable):
            await database.write(lambda c: add(c, name))
            return monotonic() - begun
    raise AssertionError("it was never stored")


def _pid(connection: Connection) -> int:
    return postgres.raw(connection).info.backend_pid


async def test_a_link_that_broke_between_two_groups_costs_nothing(
    database: PostgresDatabase, postgres: Postgres
) -> None:
    for kind in (database.write, database.read):
        pid = await kind(_pid)
        postgres.execute(f"SELECT pg_terminate_backend({pid}, 5000)")
    await database.write(lambda c: add(c, "a"))

    assert await database.read(count) == 1


async def test_a_backend_killed_within_a_group_is_replaced_and_the_group_stored_once(
    database: PostgresDatabase, postgres: Postgres
) -> None:
    killed: list[int] = []

    def kill(connection: Connection) -> None:
        if not killed:
            killed.append(_pid(connection))
            postgres.execute(f"SELECT pg_terminate_backend({killed[0]}, 5000)")

    units: list[Callable[[Connection], None]] = [
        partial(add, name="a"),
        kill,
        partial(add, name="b"),
    ]
    results = await asyncio.gather(*map(database.write, units), return_exceptions=True)

    assert results == [None, None, None]
    assert await database.read(count) == 2


async def test_no_connection_is_held_between_calls(
    database: PostgresDatabase, postgres: Postgres
) -> None:
    await asyncio.gather(*[database.read(count) for _ in range(60)])
    await database.write(lambda c: add(c, "a"))

    open_ = await database.read(lambda c: c.exec_driver_sql(_MINE).scalar_one())
    assert open_ <= 5
    busy = _MINE + " AND state <> 'idle' AND pid <> pg_backend_pid()"
    assert await database.read(lambda c: c.exec_driver_sql(busy).scalar_one()) == 0


async def test_a_server_that_restarts_is_used_again_within_a_second(
    own_postgres: Postgres,
) -> None:
    database = PostgresDatabase(own_postgres.create("talkwire"))
    await database.open()
    nodes = PostgresNodes(database)
    await nodes.join()
    await database.write(lambda c: add(c, "before"))
    own_postgres.kill()
    down = await asyncio.gather(
        database.write(lambda c: add(c, "down")), database.read(count), return_exceptions=True
    )
    await asyncio.to_thread(own_postgres.start_again)
    took_s = await _until_stored(database, "after", 10)

    assert [type(error) for error in down] == [StorageUnavailable, StorageUnavailable]
    assert took_s < 1
    assert await database.read(count) == 2
    await nodes.beat()
    await database.close()


async def test_a_link_that_swallows_everything_is_given_up(
    postgres: Postgres, postgres_migrated: str
) -> None:
    async with Link(postgres.port) as link:
        name = postgres_migrated.rpartition("/")[2]
        database = PostgresDatabase(postgres.url(name, port=link.port), silence_s=1)
        await database.open()
        await PostgresNodes(database).join()
        await database.write(lambda c: add(c, "before"))
        link.hole()
        begun = monotonic()
        stuck = await asyncio.gather(
            database.write(lambda c: add(c, "stuck")),
            database.read(count),
            return_exceptions=True,
        )
        took_s = monotonic() - begun
        link.cut()
        link.heal()
        await _until_stored(database, "after", 10)
        await database.close()

    assert [type(error) for error in stuck] == [StorageUnavailable, StorageUnavailable]
    assert took_s < 9


async def test_groups_that_cross_are_stored_unit_by_unit(postgres_migrated: str) -> None:
    databases = [PostgresDatabase(postgres_migrated) for _ in range(2)]
    for database in databases:
        await database.open()
    for name in "ab":
        await databases[0].write(partial(add, name=name))
    met = [Event(), Event()]

    def touch(connection: Connection, name: str) -> None:
        words = text("UPDATE principals SET created_at = created_at + 1 WHERE id = :name")
        connection.execute(words, {"name": name})

    def wait(_: Connection, mine: int) -> None:
        met[mine].set()
        met[1 - mine].wait(5)

    crossing = []
    for mine, names in enumerate(("ab", "ba")):
        crossing += [
            databases[mine].submit(partial(touch, name=names[0])),
            databases[mine].submit(partial(wait, mine=mine)),
            databases[mine].submit(partial(touch, name=names[1])),
        ]
    await asyncio.gather(*crossing)

    rows = await databases[0].read(
        lambda c: c.exec_driver_sql("SELECT created_at FROM principals").all()
    )
    for database in databases:
        await database.close()
    assert [row[0] for row in rows] == [2, 2]


async def test_units_with_a_common_lock_never_overlap(postgres_migrated: str) -> None:
    databases = [PostgresDatabase(postgres_migrated) for _ in range(3)]
    for database in databases:
        await database.open()

    def append(connection: Connection, name: str) -> None:
        add(connection, f"{name}{count(connection)}")

    await asyncio.gather(
        *[
            d.write(partial(append, name="p"), locks=["x", f"{i % 7}"])
            for i in range(40)
            for d in databases
        ]
    )

    assert await databases[0].read(count) == 120
    for database in databases:
        await database.close()


async def test_a_lock_that_somebody_holds_is_told_and_harms_nobody_else(
    database: PostgresDatabase, postgres_migrated: str
) -> None:
    with psycopg.connect(postgres_migrated) as holder:
        holder.execute("LOCK TABLE prompts IN ACCESS EXCLUSIVE MODE")
        results = await asyncio.gather(
            database.write(lambda c: c.exec_driver_sql("DELETE FROM prompts").close()),
            database.write(lambda c: add(c, "a")),
            return_exceptions=True,
        )

    assert isinstance(results[0], StorageUnavailable)
    assert results[1] is None


async def test_a_read_only_server_takes_nothing_and_is_read(
    database: PostgresDatabase, postgres: Postgres, postgres_migrated: str
) -> None:
    name = postgres_migrated.rpartition("/")[2]
    await database.write(lambda c: add(c, "before"))
    postgres.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    reader = PostgresDatabase(postgres_migrated)
    await database.close()
    await reader.open()
    with pytest.raises(StorageUnavailable):
        await reader.write(lambda c: add(c, "after"))
    assert await reader.read(count) == 1
    await reader.close()


async def test_too_many_connections_are_unavailable(own_postgres: Postgres) -> None:
    url = own_postgres.create("talkwire")
    database = PostgresDatabase(url)
    await database.open()
    await database.close()
    own_postgres.execute("ALTER DATABASE talkwire CONNECTION LIMIT 0")
    own_postgres.execute("CREATE ROLE guest LOGIN")
    guest = PostgresDatabase(url.replace("//talkwire@", "//guest@"))

    with pytest.raises(StorageUnavailable, match="too many connections"):
        await guest.open()
    await guest.close()
    with pytest.raises(StorageUnavailable) as told:
        await guest.write(count)
    assert "guest" not in told.value.message


async def test_a_server_that_is_not_there_is_told_with_its_address() -> None:
    database = PostgresDatabase("postgresql://me:hunter2@127.0.0.1:1/talkwire")
    with pytest.raises(StorageUnavailable) as told:
        await database.open()
    await database.close()

    assert "127.0.0.1" in told.value.message
    assert "hunter2" not in told.value.message
