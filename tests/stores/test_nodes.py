"""A database serves one process; who takes over fences the one before."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from talkwire.canon.errors import Fenced, Unavailable
from talkwire.stores.nodes import SqlNodes
from talkwire.stores.sqlite_database import SqliteDatabase
from talkwire.stores.turns import SqlRecords, now_ms
from tests.contracts.turn_values import new_turn


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    database = SqliteDatabase(tmp_path / "talkwire.db")
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def nodes(database: SqliteDatabase) -> SqlNodes:
    nodes = SqlNodes(database)
    await nodes.join()
    return nodes


def _set(connection: Connection, pid: int, seen_at: int) -> None:
    connection.exec_driver_sql("UPDATE nodes SET pid = ?, seen_at = ?", (pid, seen_at))


async def test_joining_again_raises_the_epoch_and_fences_the_older(
    database: SqliteDatabase,
) -> None:
    older, newer = SqlNodes(database), SqlNodes(database)
    assert await older.join() == 1
    await older.beat()
    assert await newer.join() == 2

    await newer.beat()
    with pytest.raises(Fenced):
        await older.beat()


async def test_unfinished_turns_are_taken_over(database: SqliteDatabase) -> None:
    await SqlNodes(database, "one").join()
    started = await SqlRecords(database, lambda: "one").start(new_turn())
    await SqlNodes(database, "two").join()

    (found,) = await SqlRecords(database, lambda: "two").unfinished()
    assert found.record.turn_id == started.record.turn_id
    assert found.record.node == "two"


async def test_a_living_process_is_not_robbed_and_named(
    database: SqliteDatabase, nodes: SqlNodes
) -> None:
    other = os.getppid()
    await database.write(lambda c: _set(c, other, now_ms()))

    with pytest.raises(Unavailable, match=str(other)):
        await SqlNodes(database).join()
    await nodes.leave()
    assert await SqlNodes(database).join() == 2


async def test_silence_and_death_let_another_take_over(
    database: SqliteDatabase, nodes: SqlNodes
) -> None:
    del nodes
    await database.write(lambda c: _set(c, os.getppid(), now_ms() - 11_000))
    assert await SqlNodes(database).join() == 2

    gone = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await gone.wait()
    await database.write(lambda c: _set(c, gone.pid, now_ms()))
    assert await SqlNodes(database).join() == 3


async def test_there_is_nobody_to_take_over_from_and_no_way_back(
    database: SqliteDatabase, nodes: SqlNodes
) -> None:
    await SqlRecords(database, lambda: "local").start(new_turn())

    assert await nodes.take_over() == 0
    with pytest.raises(Fenced):
        await nodes.rejoin()
