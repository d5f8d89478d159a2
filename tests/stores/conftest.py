"""A database that is open and joined, and the records in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from talkwire.stores.database import Database
from talkwire.stores.nodes import SqlNodes
from talkwire.stores.turns import SqlRecords


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(tmp_path / "talkwire.db")
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def nodes(database: Database) -> SqlNodes:
    nodes = SqlNodes(database)
    await nodes.join()
    return nodes


@pytest.fixture
def records(database: Database, nodes: SqlNodes) -> SqlRecords:
    return SqlRecords(database, nodes.node)
