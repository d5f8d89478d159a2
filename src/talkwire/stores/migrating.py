"""The schema is brought up to date with Alembic's revisions, from the package itself.

SQLite's at start. PostgreSQL's by `talkwire db upgrade`, since other nodes may be running; a
database without any table is nobody's yet and is made at start too. Alembic is loaded only when
there is something to do: its import costs more than all the rest of opening a database.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection

from talkwire.canon.errors import StorageUnavailable

HEAD = "0007"  # The newest revision in migrations/versions; a test holds them equal.
FOLDER = Path(__file__).parent / "migrations"

_NEWER = "A newer version of Talkwire made the database."
_KNOWN = {
    "sqlite": "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'",
    "postgresql": "SELECT 1 WHERE to_regclass('alembic_version') IS NOT NULL",
}
_ANYTHING = "SELECT 1 FROM pg_tables WHERE schemaname = current_schema() LIMIT 1"
_PATIENTLY = (
    "BEGIN",
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL lock_timeout = '60s'",
    "SELECT pg_advisory_xact_lock(725011983, 1)",
)
_log = logging.getLogger(__name__)


def upgrade(connection: Connection) -> None:
    """Bring SQLite's schema to `HEAD`, in one transaction; processes that race take turns.

    :raises sqlalchemy.exc.DBAPIError: the database cannot be written.
    :raises StorageUnavailable: the database is newer than this program.
    """
    if current(connection) == HEAD:
        return
    _upgrade(connection, ("BEGIN IMMEDIATE",))


def upgrade_postgres(connection: Connection) -> tuple[str | None, str]:
    """Bring PostgreSQL's schema to `HEAD`; the revision it had, and has. See `upgrade`."""
    return _upgrade(connection, _PATIENTLY), HEAD


def prepare_postgres(connection: Connection) -> None:
    """Make the schema where there is nothing at all.

    :raises StorageUnavailable: it is not this version's; the message names the command.
    """
    found = current(connection)
    if found == HEAD:
        return
    if found is None and connection.exec_driver_sql(_ANYTHING).first() is None:
        _log.info("database.created: it was empty, and has the tables of revision %s now", HEAD)
        upgrade_postgres(connection)
        return
    if found is not None and found > HEAD:
        raise StorageUnavailable(_NEWER)
    state = "has no schema of Talkwire" if found is None else f"is at revision {found}"
    raise StorageUnavailable(
        f"The database {state}, and this version needs {HEAD}: run `talkwire db upgrade`."
    )


def current(connection: Connection) -> str | None:
    """The revision that the schema is at; None when it was never made."""
    if connection.exec_driver_sql(_KNOWN[connection.dialect.name]).first() is None:
        return None
    row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").first()
    return None if row is None else str(row[0])


def _upgrade(connection: Connection, begin: Sequence[str]) -> str | None:
    for statement in begin:
        connection.exec_driver_sql(statement)
    try:
        before = current(connection)
        if before != HEAD:
            _run(connection)
        connection.exec_driver_sql("COMMIT")
    except BaseException:
        connection.exec_driver_sql("ROLLBACK")
        raise
    return before


def _run(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError:
        raise StorageUnavailable(_NEWER) from None
