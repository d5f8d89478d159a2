"""How PostgreSQL is spoken to: connections, transactions, with savepoints and a fence.

Connections are in autocommit, and transactions are begun and ended in so many words: the driver
sends nothing of its own. Statements are not prepared on the server, and what is locked is locked
for a transaction, so a PgBouncer that shares connections between transactions may stand between.
It has to be told `ignore_startup_parameters = options`; the time-outs are then the role's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from hashlib import blake2b
from typing import Any, TypeVar, cast

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Connection

from talkwire.canon.errors import Fenced, StorageUnavailable
from talkwire.stores.postgres_errors import Lost, again, broken, in_our_words
from talkwire.stores.writing import Guard, Result, Unit

T = TypeVar("T")
Driver = psycopg.Connection[Any]

LOCK_TIMEOUT_S = 2.0
IDLE_TIMEOUT_S = 2.0
"""How long the server keeps a transaction whose client says nothing: a paused process holds
nobody up for longer."""

_TAKE = "SELECT pg_advisory_xact_lock(k) FROM"


def connect(url: str, *, name: str, connect_timeout_s: float, statement_timeout_s: float) -> Driver:
    """A connection to the server of a libpq URL, whose own parameters come before ours.

    A link whose packets vanish breaks after about five seconds.

    :raises psycopg.Error: it cannot be had.
    :raises StorageUnavailable: the URL is none; it is not told, since a password may be in it.
    """
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise StorageUnavailable("The database's URL cannot be understood.") from None
    settings = {
        "statement_timeout": f"{statement_timeout_s * 1000:.0f}",
        "lock_timeout": f"{LOCK_TIMEOUT_S * 1000:.0f}",
        "idle_in_transaction_session_timeout": f"{IDLE_TIMEOUT_S * 1000:.0f}",
        "tcp_keepalives_idle": "2",
        "tcp_keepalives_interval": "1",
        "tcp_keepalives_count": "3",
        "tcp_user_timeout": "5000",
        "jit": "off",
    }
    options = " ".join(f"-c {key}={value}" for key, value in settings.items())
    ours: dict[str, Any] = {
        "application_name": name,
        "client_encoding": "utf8",
        "connect_timeout": max(2, math.ceil(connect_timeout_s)),
        "keepalives_idle": 2,
        "keepalives_interval": 1,
        "keepalives_count": 3,
        "tcp_user_timeout": 5000,
    }
    asked = ours | given | {"options": f"{options} {given.get('options') or ''}".strip()}
    return psycopg.connect("", autocommit=True, prepare_threshold=None, **asked)


def raw(connection: Connection) -> Driver:
    """The driver's own connection, for statements that Core has no part in."""
    driver: Any = connection.connection.dbapi_connection
    return cast(Driver, driver)


def snapshot(connection: Connection, query: Callable[[Connection], T]) -> T:
    """Run queries in one transaction that sees one state and stores nothing."""
    driver = raw(connection)
    driver.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    try:
        return query(connection)
    finally:
        _roll_back(driver)


def once(connection: Connection, unit: Callable[[Connection], T]) -> T:
    """Run one unit in a transaction of its own, without a fence. :raises psycopg.Error, …"""
    driver = raw(connection)
    driver.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
    try:
        result = unit(connection)
        _commit(driver)
    except BaseException:
        _roll_back(driver)
        raise
    return result


def transact(
    connection: Connection,
    units: Sequence[Unit[Any]],
    *,
    guard: Guard | None,
    locks: Sequence[str] = (),
    settle: bool = False,
    alive: Callable[[], object] = lambda: None,
) -> list[Result]:
    """Run all units in one transaction, each isolated from the others' errors.

    Each unit's result or error stands at its place; a failure of the transaction itself is every
    unit's error. Units are run again where one of them raised. `settle` waits at the fence until
    older transactions of this node have ended, whose connection was lost. A unit that has a form
    for itself (`alone`: one statement that carries the fence) is run in it when it has no company.
    `alive` is called before each unit.

    :raises Lost: the connection broke. :raises Again: see there.
    """
    alone = getattr(units[0], "alone", None) if len(units) == 1 and guard else None
    if alone is not None and not locks and not settle:
        return [_alone(alone, connection, guard)]
    driver = raw(connection)
    try:
        _begin(driver, guard, locks, settle=settle)
        try:
            results = _plainly(connection, units, alive)
        except Exception as error:
            if len(units) == 1 or broken(driver, error) or again(error) is not None:
                raise
            # One of them has to go. That is rare, so it is found out by a second time.
            _roll_back(driver)
            _begin(driver, guard, locks, settle=settle)
            results = _parted(connection, driver, units, alive)
    except BaseException as error:
        # The thread must live and every unit must hear of it, whatever it was.
        return [(None, _fault(driver, error, unsure=False))] * len(units)
    try:
        _commit(driver)
    except BaseException as error:
        return [(None, _fault(driver, error, unsure=True))] * len(units)
    return results


def _alone(alone: Callable[..., Any], connection: Connection, guard: Guard | None) -> Result:
    """A unit that is one statement, fence and all."""
    try:
        return alone(connection, guard), None
    except BaseException as error:
        return None, _fault(raw(connection), error, unsure=True)


def _begin(driver: Driver, guard: Guard | None, locks: Sequence[str], *, settle: bool) -> None:
    """One message to the server: the transaction, the fence and the locks, in this order.

    The locks are taken in one order by all: groups of different nodes wait for each other in a
    line and never in a ring. They are advisory, since what they stand for (a session, a key)
    need not have a row yet.
    """
    words = ["BEGIN ISOLATION LEVEL READ COMMITTED"]
    if locks:
        keys = ",".join(map(str, sorted(set(map(_number, locks)))))
        words.append(f"{_TAKE} unnest('{{{keys}}}'::bigint[]) k")
    if guard is not None:
        words.insert(1, _fence(guard, settle))
    cursor = driver.execute("; ".join(words).encode())
    if guard is not None:
        cursor.nextset()
        if cursor.fetchone() is None:
            raise Fenced("Another process has taken over this node.")


@lru_cache(8)
def _fence(guard: Guard, settle: bool) -> str:
    node, epoch = (sql.Literal(value).as_string(None) for value in guard)
    strength = "UPDATE" if settle else "SHARE"
    return f"SELECT 1 FROM nodes WHERE id = {node} AND epoch = {epoch} FOR {strength}"  # noqa: S608 - quoted above


def _number(lock: str) -> int:
    return int.from_bytes(blake2b(lock.encode(), digest_size=8).digest(), "big", signed=True)


def _plainly(
    connection: Connection, units: Sequence[Unit[Any]], alive: Callable[[], object]
) -> list[Result]:
    results: list[Result] = []
    for unit in units:
        alive()
        results.append((unit(connection), None))
    return results


def _parted(
    connection: Connection,
    driver: Driver,
    units: Sequence[Unit[Any]],
    alive: Callable[[], object],
) -> list[Result]:
    """Each unit in a savepoint of its own, so that one that raises goes alone."""
    results: list[Result] = []
    mark = b"SAVEPOINT unit"
    for unit in units:
        alive()
        driver.execute(mark)
        mark = b"RELEASE SAVEPOINT unit; SAVEPOINT unit"
        try:
            result = unit(connection)
        except Exception as error:
            if broken(driver, error) or again(error) is not None:
                raise  # it is the whole transaction that has failed
            driver.execute(b"ROLLBACK TO SAVEPOINT unit")
            results.append((None, in_our_words(error)))
        else:
            results.append((result, None))
    return results


def _commit(driver: Driver) -> None:
    """:raises psycopg.Error: it was not stored, or the connection broke."""
    if driver.execute(b"COMMIT").statusmessage != "COMMIT":
        raise psycopg.InternalError("a unit hid an error: the transaction was rolled back")


def _roll_back(driver: Driver) -> None:
    with suppress(psycopg.Error):  # A connection that broke has rolled back.
        if driver.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            driver.execute(b"ROLLBACK")


def _fault(driver: Driver, error: BaseException, *, unsure: bool) -> BaseException:
    """What the units are told. :raises Lost, Again: the caller can do better."""
    if broken(driver, error):
        raise Lost(unsure=unsure) from error
    _roll_back(driver)
    if (better := again(error)) is not None:
        raise better from error
    return in_our_words(error)
