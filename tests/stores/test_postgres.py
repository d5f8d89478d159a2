"""Transactions on a real server: fence, locks, savepoints, and errors that hide."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from threading import Thread

import psycopg
import pytest
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

from talkwire.canon.errors import Fenced, StorageUnavailable
from talkwire.stores import postgres
from talkwire.stores.postgres_errors import Again, Lost
from tests.databases import add, count

_LOCKS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"


def _connected(url: str) -> Connection:
    connect = partial(
        postgres.connect, url, name="test", connect_timeout_s=5, statement_timeout_s=10
    )
    engine = create_engine(
        "postgresql+psycopg://",
        creator=connect,
        isolation_level="AUTOCOMMIT",
        poolclass=NullPool,
        use_native_hstore=False,
    )
    return engine.connect()


@pytest.fixture
def connection(postgres_migrated: str) -> Iterator[Connection]:
    with _connected(postgres_migrated) as connection:
        yield connection


@pytest.fixture
def other(postgres_migrated: str) -> Iterator[Connection]:
    with _connected(postgres_migrated) as connection:
        yield connection


def _join(connection: Connection, node: str = "n_'1") -> tuple[str, int]:
    words = "INSERT INTO nodes (id, epoch, seen_at, pid) VALUES (%s, 1, 0, 1)"
    postgres.raw(connection).execute(words, (node,))
    return node, 1


def test_a_dead_link_is_noticed_and_nobody_waits_for_a_paused_process(
    connection: Connection,
) -> None:
    shown = {
        name: connection.exec_driver_sql(f"SHOW {name}").scalar_one()
        for name in (
            "statement_timeout",
            "lock_timeout",
            "idle_in_transaction_session_timeout",
            "tcp_keepalives_idle",
            "client_encoding",
        )
    }

    assert list(shown.values()) == ["10s", "2s", "2s", "2", "UTF8"]


def test_parameters_of_the_url_come_before_ours(postgres_migrated: str) -> None:
    url = f"{postgres_migrated}?application_name=mine&options=-c%20lock_timeout%3D7s"
    with _connected(url) as connection:
        names = ("application_name", "lock_timeout", "statement_timeout")
        shown = [connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in names]

    assert shown == ["mine", "7s", "10s"]


def test_an_address_that_is_none_is_not_told() -> None:
    with pytest.raises(StorageUnavailable) as told:
        _connected("postgresql://me:hunter2@host:port:99/x?y")

    assert "hunter2" not in str(told.value)
    assert told.value.__cause__ is None


def test_locks_of_a_group_are_held_until_its_end(connection: Connection, other: Connection) -> None:
    seen: list[int] = []

    def look(_: Connection) -> None:
        seen.append(other.exec_driver_sql(_LOCKS).scalar_one())

    postgres.transact(connection, [look], guard=None, locks=["b", "a", "b"])
    look(connection)

    assert seen == [2, 0]


def test_the_fence_is_held_against_whoever_takes_over(
    connection: Connection, other: Connection
) -> None:
    guard = _join(connection)
    words = "SELECT 1 FROM nodes FOR UPDATE SKIP LOCKED"
    found: list[bool] = []

    def look(_: Connection) -> None:
        found.append(other.exec_driver_sql(words).first() is not None)

    assert postgres.transact(connection, [look], guard=guard) == [(None, None)]
    look(connection)
    ((_, error),) = postgres.transact(connection, [look], guard=("n_'1", 2))

    assert found == [False, True]
    assert isinstance(error, Fenced)


def test_settling_waits_for_what_an_older_connection_left_open(
    connection: Connection, other: Connection
) -> None:
    guard = _join(connection)
    other.exec_driver_sql("BEGIN")
    other.exec_driver_sql("SELECT 1 FROM nodes FOR SHARE")
    connection.exec_driver_sql("SET lock_timeout = '50ms'")

    together = postgres.transact(connection, [count], guard=guard)
    ((_, error),) = postgres.transact(connection, [count], guard=guard, settle=True)
    other.exec_driver_sql("ROLLBACK")

    assert together == [(0, None)]
    assert isinstance(error, StorageUnavailable)
    assert postgres.transact(connection, [count], guard=guard, settle=True) == [(0, None)]


def test_a_unit_that_hides_an_error_does_not_pass_for_stored(connection: Connection) -> None:
    def hide(c: Connection) -> None:
        add(c, "a")
        with pytest.raises(psycopg.errors.UndefinedTable):
            postgres.raw(c).execute("SELECT 1 FROM nowhere")

    ((_, error),) = postgres.transact(connection, [hide], guard=None)

    assert isinstance(error, psycopg.InternalError)
    assert count(connection) == 0


def test_a_link_that_breaks_before_the_commit_is_told_apart(
    connection: Connection, other: Connection
) -> None:
    def end(c: Connection) -> None:
        other.exec_driver_sql(
            f"SELECT pg_terminate_backend({postgres.raw(c).info.backend_pid}, 5000)"
        )
        add(c, "never")

    with pytest.raises(Lost) as lost:
        postgres.transact(connection, [end, count], guard=None)

    assert not lost.value.unsure
    assert count(other) == 0


def test_a_deadlock_asks_for_another_try(connection: Connection, other: Connection) -> None:
    for name in "ab":
        add(connection, name)
    touch = "UPDATE principals SET created_at = 1 WHERE id = %s"
    connection.exec_driver_sql("SET deadlock_timeout = '10ms'")
    connection.exec_driver_sql("SET lock_timeout = 0")

    def cross(c: Connection) -> None:
        ours, theirs = postgres.raw(c), postgres.raw(other)
        ours.execute(touch, ("a",))
        theirs.execute("BEGIN")
        theirs.execute(touch, ("b",))
        thread = Thread(target=theirs.execute, args=(touch, ("a",)))
        thread.start()
        waiting.append(thread)
        while not ours.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone():
            pass
        ours.execute(touch, ("b",))

    waiting: list[Thread] = []
    with pytest.raises(Again):
        postgres.transact(connection, [cross, count], guard=None)
    waiting[0].join(10)
    other.exec_driver_sql("ROLLBACK")

    assert postgres.transact(connection, [count], guard=None) == [(2, None)]
