"""What a database says of itself: its server and the schema in it."""

from __future__ import annotations

from sqlalchemy import Connection

from talkwire.stores.migrating import HEAD, current

_SERVER = {
    "sqlite": ("SQLite", "SELECT sqlite_version()"),
    "postgresql": ("PostgreSQL", "SHOW server_version"),
}


def versions(connection: Connection) -> dict[str, str | None]:
    """`server` with its version, `schema`: the revision that is there, `schema_needed`."""
    name, statement = _SERVER[connection.dialect.name]
    told = str(connection.exec_driver_sql(statement).scalar_one()).partition(" ")[0]
    return {
        "server": f"{name} {told}",
        "schema": current(connection),
        "schema_needed": HEAD,
    }
