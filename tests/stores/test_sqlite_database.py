"""The writer: groups, isolation of units, the fence, and a disk that is full."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection

from talkwire.canon.errors import Conflict, Fenced, StorageUnavailable
from talkwire.stores.database import Database
from talkwire.stores.nodes import SqlNodes
from talkwire.stores.sqlite_database import SqliteDatabase
from talkwire.stores.turns import SqlRecords
from tests.contracts.turn_values import new_turn


def _count(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT count(*) FROM principals").scalar_one())


def _add(connection: Connection, name: str) -> None:
    connection.exec_driver_sql("INSERT INTO principals VALUES (?, ?, 0)", (name, name))


def _note(done: list[int], number: int, _connection: Connection) -> None:
    done.append(number)


def _add_and_refuse(connection: Connection, name: str) -> None:
    _add(connection, name)
    raise Conflict(f"{name} is refused")


async def test_units_are_done_in_order(database: Database) -> None:
    done: list[int] = []
    await asyncio.gather(*[database.submit(partial(_note, done, i)) for i in range(100)])

    assert done == list(range(100))


async def test_a_unit_that_raises_is_undone_alone(database: Database) -> None:
    futures = [database.submit(partial(_add, name=f"p{i}")) for i in range(3)]
    futures.insert(1, database.submit(lambda c: _add_and_refuse(c, "q")))
    futures.append(database.submit(lambda c: _add(c, "r")))
    results = await asyncio.gather(*futures, return_exceptions=True)

    assert [type(r) for r in results].count(Conflict) == 1
    assert await database.read(_count) == 4
    with pytest.raises(Conflict):
        await database.write(lambda c: _add_and_refuse(c, "alone"))
    assert await database.read(_count) == 4


async def test_close_writes_what_is_queued(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "talkwire.db", spacing_s=0.05)
    await database.open()
    futures = [database.submit(partial(_add, name=f"p{i}")) for i in range(5)]
    await database.close()

    await asyncio.gather(*futures)
    with pytest.raises(StorageUnavailable):
        await database.write(_count)
    again = SqliteDatabase(tmp_path / "talkwire.db")
    await again.open()
    assert await again.read(_count) == 5
    await again.close()


async def test_a_query_sees_one_state_and_cannot_write(database: Database) -> None:
    await database.read(lambda c: _add(c, "nobody"))

    assert await database.read(_count) == 0


@pytest.mark.parametrize("fence", [True, False])
async def test_a_process_that_was_taken_over_stores_nothing(tmp_path: Path, fence: bool) -> None:
    older = SqliteDatabase(tmp_path / "talkwire.db", fence=fence)
    newer = SqliteDatabase(tmp_path / "talkwire.db")
    await older.open()
    await newer.open()
    first = SqlNodes(older)
    await first.join()
    records = SqlRecords(older, lambda: first.node)
    await records.start(new_turn("s_before"))
    await SqlNodes(newer).join()

    late = await asyncio.gather(
        records.start(new_turn("s_after")),
        older.write(lambda c: _add(c, "late")),
        return_exceptions=True,
    )

    stored = await newer.read(_count), len(await SqlRecords(newer, lambda: "local").unfinished())
    assert [isinstance(r, Fenced) for r in late] == [fence, fence]
    assert stored == ((0, 1) if fence else (1, 2))
    await older.close()
    await newer.close()


async def test_a_full_disk_is_said_and_what_is_stored_stays_readable(database: Database) -> None:
    await database.write(lambda c: _add(c, "before"))

    def fill(connection: Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    await database.write(fill)
    big = "x" * 100_000
    results = await asyncio.gather(
        database.write(lambda c: _add(c, big)),
        database.write(lambda c: _add(c, big + "y")),
        return_exceptions=True,
    )

    assert [type(r) for r in results] == [StorageUnavailable, StorageUnavailable]
    assert await database.read(_count) == 1
    await database.write(lambda c: c.exec_driver_sql("PRAGMA max_page_count = 1000000").close())
    await database.write(lambda c: _add(c, big))
    assert await database.read(_count) == 2


async def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "talkwire.db"
    path.write_bytes(b"not a database" * 1000)
    database = SqliteDatabase(path)

    with pytest.raises(StorageUnavailable):
        await database.open()
    await database.close()
