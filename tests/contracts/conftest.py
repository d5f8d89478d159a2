"""Stores and journals under contract, one fixture for each port."""

from __future__ import annotations

import pytest

from talkwire.journals.memory import MemoryJournal
from talkwire.journals.sql import SqlJournal
from talkwire.stores.database import Database
from talkwire.stores.nodes import SqlNodes
from talkwire.stores.outcomes import write_outcome
from talkwire.stores.turns import SqlRecords


@pytest.fixture(params=["sqlite"])
def records(database: Database, nodes: SqlNodes) -> SqlRecords:
    return SqlRecords(database, nodes.node)


@pytest.fixture(params=["sql", "memory"])
def journal(
    request: pytest.FixtureRequest, database: Database, nodes: SqlNodes
) -> SqlJournal | MemoryJournal:
    del nodes  # joined: commits are fenced, as they are in a server
    sql = SqlJournal(database, write_outcome)
    return sql if request.param == "sql" else MemoryJournal(sql.finish, sql.read)
