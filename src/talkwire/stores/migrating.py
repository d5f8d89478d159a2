"""The schema is brought up to date at start: Alembic's revisions, from the package itself.

Alembic is loaded only when there is something to do: its import costs more than all the rest of
opening a database.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from talkwire.canon.errors import StorageUnavailable

HEAD = "0001"  # The newest revision in migrations/versions; a test holds them equal.
FOLDER = Path(__file__).parent / "migrations"


def upgrade(connection: Connection) -> None:
    """Bring the schema to `HEAD`, in one transaction; processes that race take turns.

    :raises sqlalchemy.exc.DBAPIError: the database cannot be written.
    :raises StorageUnavailable: the database is newer than this program.
    """
    if _current(connection) == HEAD:
        return
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        if _current(connection) != HEAD:
            _run(connection)
        connection.exec_driver_sql("COMMIT")
    except BaseException:
        connection.exec_driver_sql("ROLLBACK")
        raise


def _current(connection: Connection) -> str | None:
    known = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'"
    if connection.exec_driver_sql(known).first() is None:
        return None
    row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").first()
    return None if row is None else str(row[0])


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
        raise StorageUnavailable("A newer version of Talkwire made the database.") from None
