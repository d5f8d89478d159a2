"""The records in a database that is open and joined."""

from __future__ import annotations

import pytest

from talkwire.stores.database import Database
from talkwire.stores.nodes import SqlNodes
from talkwire.stores.turns import SqlRecords


@pytest.fixture
def records(database: Database, nodes: SqlNodes) -> SqlRecords:
    return SqlRecords(database, nodes.node)
