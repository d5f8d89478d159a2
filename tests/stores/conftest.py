"""The records in a database of either kind that is open and joined."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from talkwire.stores.turns import SqlRecords
from tests.databases import Another, AnyDatabase, AnyNodes, another, node_of


@pytest.fixture(params=["sqlite", "postgres"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Another:
    """Makes databases that store in one place."""
    return another(request, request.param, tmp_path)


@pytest.fixture
async def database(make: Another) -> AsyncIterator[AnyDatabase]:
    """A database that is open."""
    database = make()
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def nodes(database: AnyDatabase) -> AnyNodes:
    """This process's node, which has joined."""
    nodes = node_of(database)
    await nodes.join()
    return nodes


@pytest.fixture
def records(database: AnyDatabase, nodes: AnyNodes) -> SqlRecords:
    return SqlRecords(database, lambda: nodes.node)


@pytest.fixture
def either(database: AnyDatabase) -> AnyDatabase:
    """The same, for tests whose folder has another `database`."""
    return database
