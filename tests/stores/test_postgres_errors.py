"""Which of the server's errors are its state, and which are our bugs."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors

from talkwire.canon.errors import StorageUnavailable
from talkwire.stores.postgres_errors import in_full, in_our_words


@pytest.mark.parametrize(
    "error",
    [
        errors.TooManyConnections(),
        errors.DiskFull(),
        errors.ReadOnlySqlTransaction(),
        errors.LockNotAvailable(),
        errors.QueryCanceled(),
        errors.AdminShutdown(),
        errors.CannotConnectNow(),
        errors.InvalidPassword(),
        errors.InvalidCatalogName(),
        errors.IoError(),
        errors.DeadlockDetected(),
        psycopg.OperationalError("connection failed"),
    ],
)
def test_what_the_server_cannot_do_now_is_unavailable(error: psycopg.Error) -> None:
    told = in_our_words(error)

    assert isinstance(told, StorageUnavailable)
    assert told.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        errors.UniqueViolation(),
        errors.UndefinedTable(),
        errors.SyntaxError(),
        errors.InsufficientPrivilege(),
        errors.NotNullViolation(),
        errors.InFailedSqlTransaction(),
        psycopg.ProgrammingError("parameter missing"),
        ValueError("a bug"),
    ],
)
def test_bugs_stay_what_they_are(error: Exception) -> None:
    assert in_our_words(error) is error


def test_addresses_are_told_to_those_who_start_a_server_alone() -> None:
    error = in_our_words(psycopg.OperationalError("connection to server at 10.1.2.3 failed"))

    assert isinstance(error, StorageUnavailable)
    assert "10.1.2.3" not in error.message
    assert "10.1.2.3" in in_full(error).message
    plain = StorageUnavailable("Full.")
    assert in_full(plain) is plain
