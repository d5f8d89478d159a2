"""What tests of several folders share; other fixtures live beside their tests."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from talkwire.stores.nodes import SqlNodes
from talkwire.stores.postgres_database import PostgresDatabase
from talkwire.stores.sqlite_database import SqliteDatabase
from tests.services.postgres import Postgres

# `postgres` and `redis_server` are started by the first test that asks for one.
pytest_plugins = ["tests.services.fixtures"]

# No deadline: the machine may be busy, and a slow example is no bug. On CI the search is the
# same on every run, so that a red build is about the change and not about luck.
settings.register_profile("talkwire", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("talkwire")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    """A database that is open."""
    database = SqliteDatabase(tmp_path / "talkwire.db")
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def nodes(database: SqliteDatabase) -> SqlNodes:
    """This process's node, which has joined."""
    nodes = SqlNodes(database)
    await nodes.join()
    return nodes


@pytest.fixture(scope="session")
def _template(postgres: Postgres) -> Iterator[str]:
    """The name of a PostgreSQL database with all tables, to be copied."""
    with postgres.fresh() as url:
        asyncio.run(_make_tables(url))
        yield url.rpartition("/")[2]


@pytest.fixture
def postgres_migrated(postgres: Postgres, _template: str) -> Iterator[str]:
    """The URL of a database of the test's own, with all tables."""
    with postgres.fresh(_template) as url:
        yield url


async def _make_tables(url: str) -> None:
    database = PostgresDatabase(url)
    await database.open()
    await database.close()
