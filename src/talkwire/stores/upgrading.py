"""The schema of a database that no server of this process has open: looked at, brought up to date.

Everything here blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

from talkwire.canon.errors import StorageUnavailable
from talkwire.stores import migrating, postgres, sqlite
from talkwire.stores.postgres_errors import in_full, translated


def upgrade_postgres(url: str) -> tuple[str | None, str]:
    """Bring it to this version's revision; the one it had (None: no schema at all), and has.

    Upgrades that race take turns. Servers may be running meanwhile.

    :raises StorageUnavailable: no answer, or made by a newer version; with what the server said.
    """
    with _connected(url) as connection:
        return migrating.upgrade_postgres(connection)


def postgres_revision(url: str) -> str | None:
    """The revision it is at. :raises StorageUnavailable: as above."""
    with _connected(url) as connection:
        return migrating.current(connection)


def upgrade_sqlite(path: Path) -> tuple[str | None, str]:
    """As `upgrade_postgres`, for a file, which is made if need be."""
    before = sqlite_revision(path)
    with closing(sqlite.connect(sqlite.engine(path), migrate=True)):
        return before, migrating.HEAD


def sqlite_revision(path: Path) -> str | None:
    """The revision it is at; None also where there is no file yet."""
    if not path.exists():
        return None
    connection = sqlite.connect(sqlite.engine(path), migrate=False)
    with closing(connection), sqlite.translated():
        return migrating.current(connection)


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: postgres.connect(
            url, name="talkwire db", connect_timeout_s=5, statement_timeout_s=0
        ),
        isolation_level="AUTOCOMMIT",
        poolclass=NullPool,
        use_native_hstore=False,
        hide_parameters=True,
    )
    try:
        with translated(), engine.connect() as connection:
            yield connection
    except StorageUnavailable as error:
        raise in_full(error) from error
