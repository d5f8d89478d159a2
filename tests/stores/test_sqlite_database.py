"""What is SQLite's own: one process, one file, a disk that is full."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from talkwire.canon.errors import Fenced, StorageUnavailable
from talkwire.stores.nodes import SqlNodes
from talkwire.stores.sqlite_database import SqliteDatabase
from talkwire.stores.turns import SqlRecords
from tests.contracts.turn_values import new_turn
from tests.databases import add, count


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    database = SqliteDatabase(tmp_path / "talkwire.db")
    await database.open()
    yield database
    await database.close()


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
        older.write(lambda c: add(c, "late")),
        return_exceptions=True,
    )

    unfinished = await SqlRecords(newer, lambda: "local").unfinished()
    stored = await newer.read(count), len(unfinished)
    assert [isinstance(r, Fenced) for r in late] == [fence, fence]
    assert stored == ((0, 1) if fence else (1, 2))
    await older.close()
    await newer.close()


async def test_a_full_disk_is_said_and_what_is_stored_stays_readable(
    database: SqliteDatabase,
) -> None:
    await database.write(lambda c: add(c, "before"))

    def fill(connection: Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    await database.write(fill)
    big = "x" * 100_000
    results = await asyncio.gather(
        database.write(lambda c: add(c, big)),
        database.write(lambda c: add(c, big + "y")),
        return_exceptions=True,
    )

    assert [type(r) for r in results] == [StorageUnavailable, StorageUnavailable]
    assert await database.read(count) == 1
    await database.write(lambda c: c.exec_driver_sql("PRAGMA max_page_count = 1000000").close())
    await database.write(lambda c: add(c, big))
    assert await database.read(count) == 2


async def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "talkwire.db"
    path.write_bytes(b"not a database" * 1000)
    database = SqliteDatabase(path)

    with pytest.raises(StorageUnavailable):
        await database.open()
    await database.close()


async def test_every_transaction_is_timed_and_whether_it_was_answered(
    database: SqliteDatabase,
) -> None:
    told: list[tuple[str, int, bool]] = []

    def timed(operation: str, seconds: float, units: int, answered: bool) -> None:
        assert seconds >= 0
        told.append((operation, units, answered))

    def broken(connection: Connection) -> None:
        raise StorageUnavailable("away")

    database.timed = timed
    await database.write(lambda c: add(c, "x"))
    await database.read(count)
    for work in (database.read, database.write):
        with pytest.raises(StorageUnavailable):
            await work(broken)

    assert told == [
        ("commit", 1, True),
        ("read", 1, True),
        ("read", 1, False),
        ("commit", 1, False),
    ]
