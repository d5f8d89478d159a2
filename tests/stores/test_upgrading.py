"""Databases are looked at and brought up to date from outside of a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from talkwire.canon.errors import StorageUnavailable
from talkwire.stores import upgrading
from talkwire.stores.migrating import HEAD


def test_an_empty_server_gets_the_schema_once(postgres_url: str) -> None:
    assert upgrading.postgres_revision(postgres_url) is None
    assert upgrading.upgrade_postgres(postgres_url) == (None, HEAD)
    assert upgrading.postgres_revision(postgres_url) == HEAD
    assert upgrading.upgrade_postgres(postgres_url) == (HEAD, HEAD)


def test_a_file_is_made_with_its_schema(tmp_path: Path) -> None:
    path = tmp_path / "talkwire.db"
    assert upgrading.sqlite_revision(path) is None
    assert not path.exists()
    assert upgrading.upgrade_sqlite(path) == (None, HEAD)
    assert upgrading.upgrade_sqlite(path) == (HEAD, HEAD)


def test_what_cannot_be_reached_is_told_without_the_password() -> None:
    with pytest.raises(StorageUnavailable, match=r"127\.0\.0\.1") as told:
        upgrading.postgres_revision("postgresql://me:hunter2@127.0.0.1:1/talkwire")

    assert "hunter2" not in told.value.message


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "talkwire.db"
    path.write_bytes(b"not a database" * 1000)

    with pytest.raises(StorageUnavailable):
        upgrading.sqlite_revision(path)
