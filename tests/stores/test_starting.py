"""Races on one session, and all or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial

import pytest
from sqlalchemy import Connection

from talkwire.canon.errors import Busy, NotFound
from talkwire.stores.postgres_database import PostgresDatabase
from talkwire.stores.postgres_nodes import PostgresNodes
from talkwire.stores.turns import SqlRecords
from tests.contracts.turn_values import new_turn
from tests.databases import AnyDatabase

_TABLES = ("sessions", "messages", "turns", "turn_events", "idempotency")


def _rows(connection: Connection) -> list[int]:
    return [
        int(connection.exec_driver_sql(f"SELECT count(*) FROM {t}").scalar_one())  # noqa: S608 - from above
        for t in _TABLES
    ]


async def test_of_racing_turns_as_many_wait_as_may(records: SqlRecords) -> None:
    race = [records.start(new_turn(max_waiting=3)) for _ in range(10)]
    results = await asyncio.gather(*race, return_exceptions=True)

    assert sum(isinstance(r, Busy) for r in results) == 6
    assert len(await records.unfinished()) == 4


async def test_a_refused_turn_leaves_no_trace(database: AnyDatabase, records: SqlRecords) -> None:
    with pytest.raises(NotFound):
        await records.start(new_turn(parent_id="msg_none", key="k"))

    assert await database.read(_rows) == [0] * len(_TABLES)


@pytest.fixture
async def fleet(postgres_migrated: str) -> AsyncIterator[list[SqlRecords]]:
    """The records of four nodes on one PostgreSQL."""
    made = []
    async with AsyncExitStack() as stack:
        for _ in range(4):
            database = PostgresDatabase(postgres_migrated)
            await database.open()
            stack.push_async_callback(database.close)
            nodes = PostgresNodes(database)
            await nodes.join()
            made.append(SqlRecords(database, partial(getattr, nodes, "node")))
        yield made


async def test_one_key_is_one_turn_whatever_node_is_asked(fleet: list[SqlRecords]) -> None:
    race = [fleet[i % 4].start(new_turn(f"s_{i}", key="k")) for i in range(50)]
    results = await asyncio.gather(*race)

    assert sum(r.fresh for r in results) == 1
    assert len({r.record.turn_id for r in results}) == 1


async def test_one_session_runs_one_turn_whatever_node_is_asked(fleet: list[SqlRecords]) -> None:
    race = [fleet[i % 4].start(new_turn(max_waiting=60)) for i in range(50)]
    results = await asyncio.gather(*race)

    assert sum(r.record.status == "running" for r in results) == 1
    assert sorted(len(r.ahead) for r in results) == list(range(50))
    longest = max(results, key=lambda r: len(r.ahead))
    assert {*longest.ahead, longest.record.turn_id} == {r.record.turn_id for r in results}


async def test_many_sessions_and_keys_cross_without_a_failure(fleet: list[SqlRecords]) -> None:
    race = [
        records.start(new_turn(f"s_{i % 10}", key=f"k_{i}", max_waiting=100))
        for i in range(60)
        for records in fleet
    ]
    results = await asyncio.gather(*race)

    assert sum(r.fresh for r in results) == 60
    found = [await records.unfinished() for records in fleet]
    assert sum(map(len, found)) == 60


async def test_an_interrupting_turn_marks_those_ahead_on_their_own_nodes(
    fleet: list[SqlRecords],
) -> None:
    first = await fleet[0].start(new_turn())
    second = await fleet[1].start(new_turn())
    other = await fleet[0].start(new_turn("s_2"))
    await fleet[0].stop("ann", first.record.turn_id, "client")
    third = await fleet[2].start(new_turn(on_busy="interrupt"))

    assert third.ahead == (first.record.turn_id, second.record.turn_id)
    assert await fleet[0].to_stop() == [(first.record.turn_id, "client")]
    assert await fleet[1].to_stop() == [(second.record.turn_id, "interrupt")]
    assert await fleet[2].to_stop() == []
    assert not (await fleet[1].turn("ann", other.record.turn_id)).ended
