"""Stores and journals under contract, one fixture for each port, on each kind of database."""

from __future__ import annotations

import pytest

from talkwire.journals.memory import MemoryJournal
from talkwire.journals.sql import SqlJournal
from talkwire.stores.outcomes import write_outcome
from tests.databases import AnyDatabase, AnyNodes
from tests.stores.conftest import database, make, nodes, records

__all__ = ["database", "journal", "make", "nodes", "records"]


@pytest.fixture(params=["sql", "memory"])
def journal(
    request: pytest.FixtureRequest, database: AnyDatabase, nodes: AnyNodes
) -> SqlJournal | MemoryJournal:
    del nodes  # joined: commits are fenced, as they are in a server
    sql = SqlJournal(database, write_outcome)
    return sql if request.param == "sql" else MemoryJournal(sql.finish, sql.read)
