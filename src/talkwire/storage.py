"""The database that the settings ask for."""

from __future__ import annotations

from talkwire.settings import Settings
from talkwire.stores.database import Database
from talkwire.stores.postgres_database import PostgresDatabase
from talkwire.stores.sqlite_database import SqliteDatabase


def database_of(settings: Settings) -> Database:
    """Not open yet."""
    asked = settings.database
    fence = settings.testing.fence
    if asked.url is None or not asked.is_postgres:
        return SqliteDatabase(settings.sqlite_path, fence=fence)
    return PostgresDatabase(
        asked.url.get_secret_value(),
        pool_size=asked.pool_size,
        max_overflow=asked.max_overflow,
        connect_timeout_s=asked.connect_timeout_s,
        statement_timeout_s=asked.statement_timeout_s,
        fence=fence,
    )
