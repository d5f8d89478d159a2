"""A real PostgreSQL for tests: one of our own, or the one of TEST_DATABASE_URL.

A server of our own can be killed and restarted; of somebody else's, only databases are made and
dropped. Everything here blocks.
"""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from tests.services.cluster import OWNER, Cluster

GIVEN = "TEST_DATABASE_URL"


class NotOurs(AssertionError):
    """The server was there before the tests, or other tests use it too: it is left alive."""


class Postgres:
    """A server that runs; see `started` and `at`."""

    def __init__(self, address: str, cluster: Cluster | None = None) -> None:
        self._address = make_url(address)
        self._cluster = cluster

    @classmethod
    @contextmanager
    def started(cls, folder: Path, *, port: int = 0, fast: bool = True) -> Iterator[Postgres]:
        """A server of the caller's own on 127.0.0.1, ended with the block; port 0 is a free one.

        `fast` leaves out fsync: what was committed survives the server's death, not the machine's.
        :raises Missing: there is no PostgreSQL on this machine.
        """
        cluster = Cluster(folder, port=port, fast=fast)
        try:
            cluster.start()
            yield cls(address(cluster.port), cluster)
        finally:
            cluster.remove()

    @classmethod
    def at(cls, address: str) -> Postgres:
        """A server that others have started, by the URL of a database in it."""
        return cls(address)

    @classmethod
    def given(cls) -> Postgres | None:
        """The server of TEST_DATABASE_URL, if there is one."""
        return cls(os.environ[GIVEN]) if os.environ.get(GIVEN) else None

    @property
    def is_ours(self) -> bool:
        """True where it can be killed."""
        return self._cluster is not None

    @property
    def pid(self) -> int:
        """The postmaster's id. :raises NotOurs: it is somebody else's."""
        return self._own.pid

    @property
    def port(self) -> int:
        return self._address.port or 5432

    def url(self, database: str = "postgres", *, port: int | None = None) -> str:
        """`postgresql://…`; `port` puts a link between."""
        url = self._address.set(database=database, drivername="postgresql")
        if port is not None:
            url = url.set(host="127.0.0.1", port=port)
        return url.render_as_string(hide_password=False)

    def create(self, database: str, template: str | None = None) -> str:
        """Makes an empty database, or a copy of one that nobody is connected to; its URL."""
        words = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database))
        if template is not None:
            words += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        self.execute(words)
        return self.url(database)

    def drop(self, database: str) -> None:
        """Also while somebody is connected to it; nothing where there is none."""
        self.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database))
        )

    @contextmanager
    def fresh(self, template: str | None = None) -> Iterator[str]:
        """The URL of an empty database that is dropped with the block."""
        name = f"talkwire_test_{secrets.token_hex(6)}"
        url = self.create(name, template)
        try:
            yield url
        finally:
            self.drop(name)

    def execute(self, words: str | sql.Composed, database: str | None = None) -> list[Any]:
        """Runs one statement outside of a transaction; its rows, if it has some."""
        url = self.url(database or self._address.database or "postgres")
        with psycopg.connect(url, autocommit=True, connect_timeout=10) as link:
            done = link.execute(words if isinstance(words, sql.Composed) else words.encode())
            return list(done.fetchall()) if done.description else []

    def restart_immediate(self) -> None:
        """As `pg_ctl -m immediate restart`: a crash, and recovery on the same port."""
        self._own.end(signal.SIGQUIT)
        self._own.start()

    def kill(self) -> None:
        """SIGKILL of the postmaster; its processes follow it by themselves."""
        self._own.end(signal.SIGKILL)

    def stop(self) -> None:
        """In order; its data stays for `start_again`."""
        self._own.end(signal.SIGINT)

    def start_again(self) -> None:
        """On the same port and data; returns once it takes connections."""
        self._own.start()

    @property
    def _own(self) -> Cluster:
        if self._cluster is None:
            raise NotOurs("this server is not the test's own: use the fixture own_postgres")
        return self._cluster


def address(port: int) -> str:
    """The URL of a server of our own."""
    return f"postgresql://{OWNER}@127.0.0.1:{port}/postgres"
