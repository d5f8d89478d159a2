"""Databases of both kinds for tests: what is the same for both is proved with both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, insert, select

from talkwire.stores.nodes import SqlNodes
from talkwire.stores.postgres_database import PostgresDatabase
from talkwire.stores.postgres_nodes import PostgresNodes
from talkwire.stores.schema import principals
from talkwire.stores.sqlite_database import SqliteDatabase

AnyDatabase = SqliteDatabase | PostgresDatabase
AnyNodes = SqlNodes | PostgresNodes
Another = Callable[[], AnyDatabase]


def another(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> Another:
    """Makes unopened databases that all store in the same place: the test's own."""
    if kind == "sqlite":
        return lambda: SqliteDatabase(tmp_path / "talkwire.db")
    url: str = request.getfixturevalue("postgres_migrated")
    return lambda: PostgresDatabase(url)


def node_of(database: AnyDatabase) -> AnyNodes:
    """A node that has not joined yet."""
    if isinstance(database, SqliteDatabase):
        return SqlNodes(database)
    return PostgresNodes(database)


def add(connection: Connection, name: str) -> None:
    """Store one row."""
    connection.execute(insert(principals).values(id=name, name=name, created_at=0))


def count(connection: Connection) -> int:
    """How many rows `add` has stored."""
    return connection.execute(select(func.count()).select_from(principals)).scalar_one()
