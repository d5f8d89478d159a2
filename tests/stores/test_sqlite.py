"""Connections, and errors in our words."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from talkwire.canon.errors import StorageUnavailable
from talkwire.stores import sqlite


def test_a_connection_writes_ahead_and_waits_for_others(tmp_path: Path) -> None:
    connection = sqlite.connect(sqlite.engine(tmp_path / "talkwire.db"), migrate=True)
    found = {
        name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
        for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
    }
    connection.close()

    assert found == {
        "journal_mode": "wal",
        "synchronous": 1,
        "busy_timeout": 5000,
        "foreign_keys": 1,
    }


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (sqlite3.OperationalError("disk I/O error"), True),
        (sqlite3.DatabaseError("malformed"), True),
        (sqlite3.IntegrityError("UNIQUE"), False),
        (ValueError("a bug"), False),
    ],
)
def test_only_what_storage_is_at_fault_for_is_unavailable(error: Exception, ours: bool) -> None:
    assert isinstance(sqlite.in_our_words(error), StorageUnavailable) == ours


def test_a_locked_database_is_unavailable_to_every_unit(tmp_path: Path) -> None:
    made = sqlite.engine(tmp_path / "talkwire.db")
    connection = sqlite.connect(made, migrate=True)
    connection.exec_driver_sql("PRAGMA busy_timeout = 1")
    other = sqlite.connect(made, migrate=False)
    other.exec_driver_sql("BEGIN IMMEDIATE")
    results = sqlite.transact(connection, [lambda _: 1, lambda _: 2], None)
    other.exec_driver_sql("ROLLBACK")
    again = sqlite.transact(connection, [lambda _: 1, lambda _: 2], None)
    other.close()
    connection.close()

    assert [type(error) for _, error in results] == [StorageUnavailable, StorageUnavailable]
    assert again == [(1, None), (2, None)]
