"""Partitions are there before they are needed, and go once nobody can need them."""

from __future__ import annotations

import asyncio

from sqlalchemy import Connection, text

from talkwire.journals.sql import SqlJournal
from talkwire.stores import partitions
from talkwire.stores.cleaning import Cleaning
from talkwire.stores.outcomes import write_outcome
from talkwire.stores.postgres_database import PostgresDatabase
from talkwire.stores.postgres_nodes import PostgresNodes
from talkwire.stores.turns import SqlRecords
from tests.contracts.turn_values import new_turn, outcome

HOUR_MS = 3_600_000


def _drop_all(connection: Connection) -> None:
    for partition in partitions.found(connection):
        connection.exec_driver_sql(f"DROP TABLE {partition.name}")


def _age(connection: Connection) -> None:
    """Everything was stored an hour ago, in a partition of that time."""
    now = connection.execute(text("SELECT (extract(epoch FROM now()) * 1000)::bigint")).scalar_one()
    start = now - HOUR_MS
    connection.exec_driver_sql(
        f"CREATE TABLE turn_events_old PARTITION OF turn_events FOR VALUES FROM ({start - 1000}) "
        f"TO ({start + 1000})"
    )
    connection.execute(text("UPDATE turn_events SET at = :start"), {"start": start})


async def _names(database: PostgresDatabase) -> set[str]:
    return {p.name for p in await database.read(partitions.found)}


async def test_racing_nodes_make_each_partition_once(postgres_migrated: str) -> None:
    databases = [PostgresDatabase(postgres_migrated) for _ in range(4)]
    for database in databases:
        await database.open()
    await databases[0].apart(_drop_all)

    made = await asyncio.gather(*[d.apart(partitions.make) for d in databases])
    found = await databases[0].read(partitions.found)
    for database in databases:
        await database.close()

    # One more where the time of the first partition has just ended.
    assert sum(made) == len(found) in (partitions.AHEAD + 1, partitions.AHEAD + 2)
    assert [p.end for p in found[:-1]] == [p.start for p in found[1:]]


async def test_a_missing_partition_is_made_by_whoever_stores(postgres_migrated: str) -> None:
    database = PostgresDatabase(postgres_migrated)
    await database.open()
    nodes = PostgresNodes(database)
    await nodes.join()
    await database.apart(_drop_all)
    records = SqlRecords(database, lambda: nodes.node)

    race = [records.start(new_turn(f"s_{i}")) for i in range(3)]
    assert all(started.fresh for started in await asyncio.gather(*race))
    assert len(await database.read(partitions.found)) > partitions.AHEAD
    await database.close()


async def test_an_old_partition_goes_when_its_last_turn_has_ended(postgres_migrated: str) -> None:
    database = PostgresDatabase(postgres_migrated)
    await database.open()
    nodes = PostgresNodes(database)
    await nodes.join()
    records = SqlRecords(database, lambda: nodes.node)
    journal = SqlJournal(database, write_outcome)
    started = [await records.start(new_turn(f"s_{i}")) for i in range(2)]
    await database.apart(_age)
    cleaning = Cleaning(database, retention_s=60)

    await journal.finish(outcome(started[0]))
    await cleaning.sweep()
    assert "turn_events_old" in await _names(database)
    assert len(await journal.read(started[1].record.turn_id, 0)) == 1
    await journal.finish(outcome(started[1]))
    race = await asyncio.gather(*[database.apart(partitions.drop) for _ in range(3)])

    assert [many > 0 for many in sorted(race)] == [False, False, True]
    assert "turn_events_old" not in await _names(database)
    assert len(await database.read(partitions.found)) > partitions.AHEAD
    assert len(await journal.read(started[1].record.turn_id, 0)) == 2
    await database.close()
