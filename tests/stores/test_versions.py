"""What databases say of themselves, and of their connections."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

from talkwire.stores.migrating import HEAD
from talkwire.stores.postgres_database import PostgresDatabase
from talkwire.stores.sqlite_database import SqliteDatabase
from talkwire.stores.versions import versions


async def test_sqlite_tells_its_version_and_schema(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "talkwire.db")
    await database.open()
    try:
        found = await database.read(versions)
        pool, queued = database.pool(), database.queued
    finally:
        await database.close()

    assert found == {
        "server": f"SQLite {sqlite3.sqlite_version}",
        "schema": HEAD,
        "schema_needed": HEAD,
    }
    assert (pool, queued) == ({"writers": 1, "readers": 2}, 0)


async def test_postgres_tells_them_too_and_how_its_pool_is_used(postgres_migrated: str) -> None:
    database = PostgresDatabase(postgres_migrated, pool_size=3, max_overflow=4)
    await database.open()
    try:
        found = await database.read(versions)
        lent = await database.read(lambda _: database.pool())
        await asyncio.sleep(0)
        after = database.pool()
    finally:
        await database.close()

    assert str(found["server"]).startswith("PostgreSQL 1")
    assert found["schema"] == HEAD
    assert lent["in_use"] >= 1
    assert (after["size"], after["most"], after["overflow"]) == (2, 6, 0)
    assert after["in_use"] == 0
