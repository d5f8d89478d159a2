"""How SQLite is spoken to: pragmas, explicit transactions, its errors in our words."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from talkwire.canon.errors import Fenced, StorageUnavailable
from talkwire.stores import migrating

T = TypeVar("T")
Unit = Callable[..., Any]
Result = tuple[Any, BaseException | None]

_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "busy_timeout=5000",
    "foreign_keys=ON",
    "temp_store=MEMORY",
    "cache_size=-16384",
    "wal_autocheckpoint=4000",
)
_FENCE = "SELECT 1 FROM nodes WHERE id = ? AND epoch = ?"


def engine(path: Path) -> Engine:
    """An engine whose connections leave transactions to us (`BEGIN IMMEDIATE`, see `transact`)."""
    made = create_engine(
        f"sqlite+pysqlite:///{path}",
        isolation_level="AUTOCOMMIT",
        poolclass=NullPool,
        connect_args={"check_same_thread": False, "cached_statements": 512},
    )
    event.listen(made, "connect", _prepare)
    return made


def connect(made: Engine, *, migrate: bool) -> Connection:
    """A connection that stays open; with `migrate` the schema is brought up to date first.

    :raises StorageUnavailable: the file cannot be opened.
    """
    with translated():
        connection = made.connect()
        if migrate:
            try:
                migrating.upgrade(connection)
            except BaseException:
                connection.close()
                raise
        return connection


def raw(connection: Connection) -> sqlite3.Connection:
    """The driver's own connection, for statements whose cost counts."""
    driver: Any = connection.connection.dbapi_connection
    return cast(sqlite3.Connection, driver)


def snapshot(connection: Connection, query: Callable[[Connection], T]) -> T:
    """Run queries in one read transaction."""
    driver = raw(connection)
    driver.execute("BEGIN")
    try:
        return query(connection)
    finally:
        driver.execute("ROLLBACK")


def transact(
    connection: Connection, units: Sequence[Unit], guard: tuple[str, int] | None
) -> list[Result]:
    """Run all units in one transaction, each isolated from the others' errors.

    Never raises: each unit's result or error stands at its place. A failure of the transaction
    itself is every unit's error. Units are run again where one of them raised. A unit that has a
    form for itself (`alone`: one statement that carries the fence) is run in it when it has no
    company.
    """
    alone = getattr(units[0], "alone", None) if len(units) == 1 and guard else None
    if alone is not None:
        return [_alone(alone, connection, guard)]
    driver = raw(connection)
    try:
        _begin(driver, guard)
        try:
            results: list[Result] = [(unit(connection), None) for unit in units]
        except Exception:
            if len(units) == 1:
                raise
            # One of them has to go. That is rare, so it is found out by a second time.
            _roll_back(driver)
            _begin(driver, guard)
            results = _parted(connection, driver, units)
        driver.execute("COMMIT")
    except BaseException as error:
        # The thread must live and every unit must hear of it, whatever it was.
        _roll_back(driver)
        fault = in_our_words(error)
        return [(None, fault)] * len(units)
    return results


def _alone(alone: Unit, connection: Connection, guard: tuple[str, int] | None) -> Result:
    """A unit that is one statement, fence and all."""
    try:
        return alone(connection, guard), None
    except BaseException as error:
        _roll_back(raw(connection))
        return None, in_our_words(error)


def _begin(driver: sqlite3.Connection, guard: tuple[str, int] | None) -> None:
    driver.execute("BEGIN IMMEDIATE")
    if guard is not None and driver.execute(_FENCE, guard).fetchone() is None:
        raise Fenced("Another process has taken over this node.")


def _parted(
    connection: Connection, driver: sqlite3.Connection, units: Sequence[Unit]
) -> list[Result]:
    """Each unit in a savepoint of its own, so that one that raises goes alone."""
    results: list[Result] = []
    for unit in units:
        driver.execute("SAVEPOINT unit")
        try:
            result = unit(connection)
        except Exception as error:
            if not driver.in_transaction:
                raise  # SQLite gave the whole transaction up, as it does when the disk is full.
            driver.execute("ROLLBACK TO unit")
            results.append((None, in_our_words(error)))
        else:
            results.append((result, None))
        driver.execute("RELEASE unit")
    return results


def _roll_back(driver: sqlite3.Connection) -> None:
    with suppress(sqlite3.Error):  # SQLite may have rolled back already.
        if driver.in_transaction:
            driver.execute("ROLLBACK")


def _prepare(driver: sqlite3.Connection, _record: object) -> None:
    driver.isolation_level = None
    for pragma in _PRAGMAS:
        driver.execute(f"PRAGMA {pragma}").close()


@contextmanager
def translated() -> Iterator[None]:
    """Storage errors inside come out as `StorageUnavailable`."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        raise in_our_words(error) from error


def in_our_words(error: BaseException) -> BaseException:
    """Full, locked, corrupt or unreadable is `StorageUnavailable`; all else stays what it is."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.IntegrityError | sqlite3.ProgrammingError):
        return error
    if isinstance(cause, sqlite3.Error):
        told = StorageUnavailable(f"The database cannot store now: {cause}.")
        told.__cause__ = error
        return told
    return error
