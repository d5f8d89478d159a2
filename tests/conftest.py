"""What tests of several folders share; other fixtures live beside their tests."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings

from talkwire.stores.database import Database
from talkwire.stores.nodes import SqlNodes

# No deadline: the machine may be busy, and a slow example is no bug. On CI the search is the
# same on every run, so that a red build is about the change and not about luck.
settings.register_profile("talkwire", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("talkwire")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A database that is open."""
    database = Database(tmp_path / "talkwire.db")
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def nodes(database: Database) -> SqlNodes:
    """This process's node, which has joined."""
    nodes = SqlNodes(database)
    await nodes.join()
    return nodes
