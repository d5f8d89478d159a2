"""PostgreSQL's errors, and what they mean to us."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors
from sqlalchemy.exc import DBAPIError

from talkwire.canon.errors import StorageUnavailable

_AWAY = ("08", "28", "3D", "53", "57", "58", "XX")
"""Classes of errors that are the server's state and not ours: connection, login, no such
database, no room, shut down or cancelled, its own disk, its own bug."""

_NOT_NOW = {
    "25006",  # read-only: a standby, or set so
    "25P03",  # idle in a transaction for too long
    "25P04",  # a transaction for too long
    "40001",  # serialization failure, again and again
    "40P01",  # deadlock, again and again
    "55P03",  # a lock that somebody else has for too long
}

_ENDED = {"57P01", "57P02", "57P03", "57P05", "25P03", "25P04"}
"""The server has said good-bye; the driver hears of the end a little later."""


class Lost(Exception):
    """The connection broke. `unsure` when it is not known whether the transaction was stored."""

    def __init__(self, *, unsure: bool) -> None:
        super().__init__()
        self.unsure = unsure


class Again(Exception):
    """Nothing was stored, and the units may be run again, each by itself.

    `unpartitioned` when there was no partition for what was to be stored.
    """

    def __init__(self, *, unpartitioned: bool) -> None:
        super().__init__()
        self.unpartitioned = unpartitioned


def broken(driver: psycopg.Connection[Any], error: BaseException) -> bool:
    """Is the connection of no more use after this error?"""
    state = getattr(_cause(error), "sqlstate", None)
    return bool(driver.closed) or state in _ENDED or str(state)[:2] == "08"


def again(error: BaseException) -> Again | None:
    """What is to be raised where running the units again may help."""
    cause = _cause(error)
    if isinstance(cause, errors.DeadlockDetected | errors.SerializationFailure):
        return Again(unpartitioned=False)
    if isinstance(cause, errors.CheckViolation) and cause.diag.constraint_name is None:
        return Again(unpartitioned=cause.diag.table_name == "turn_events")
    return None


@contextmanager
def translated() -> Iterator[None]:
    """Storage errors inside come out as `StorageUnavailable`."""
    try:
        yield
    except (DBAPIError, psycopg.Error) as error:
        raise in_our_words(error) from error


def in_our_words(error: BaseException) -> BaseException:
    """Away, full, locked or read-only is `StorageUnavailable`; all else stays what it is.

    The server's own message is the cause's: it may tell names and addresses.
    """
    cause = _cause(error)
    if not isinstance(cause, psycopg.Error):
        return error
    state = cause.sqlstate
    if state is None and not isinstance(cause, psycopg.OperationalError):
        return error
    if state is not None and state[:2] not in _AWAY and state not in _NOT_NOW:
        return error
    what = "connection" if state is None else type(cause).__name__
    told = StorageUnavailable(f"The database cannot be used now: {what}.")
    told.__cause__ = error
    return told


def in_full(error: StorageUnavailable) -> StorageUnavailable:
    """With what the server or its library said, for the people who start a server."""
    cause = _cause(error.__cause__) if error.__cause__ else None
    if not isinstance(cause, psycopg.Error):
        return error
    said = " ".join(str(cause).split())
    return StorageUnavailable(f"The database cannot be used now: {said}.".replace("..", "."))


def _cause(error: BaseException) -> BaseException:
    return error.orig if isinstance(error, DBAPIError) and error.orig else error
