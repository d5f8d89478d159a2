"""Core statements that are compiled once and then run by the driver alone.

Core's own execution costs some 50 µs a statement, which is more than SQLite needs for it. The
statements of a turn's start and end go this way. Values pass without Core's type handling: text,
numbers, booleans and None only, and a boolean may come back as 0 or 1.
"""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import Connection, Executable
from sqlalchemy.sql.elements import ClauseElement

Row = tuple[Any, ...]
Value = str | int | float | bool | None


class Prepared:
    """One statement; its named bind parameters are the keywords of a call."""

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._sql = ""
        self._order: tuple[str, ...] | None = None
        self._fixed: dict[str, Any] = {}

    def all(self, connection: Connection, **values: Value) -> list[Row]:
        """Run it; all rows."""
        rows: list[Row] = self._run(connection, values).fetchall()
        return rows

    def first(self, connection: Connection, **values: Value) -> Row | None:
        """Run it; the first row. The rest, if there is any, is not read."""
        cursor = self._run(connection, values)
        row: Row | None = cursor.fetchone()
        cursor.close()
        return row

    def run(self, connection: Connection, **values: Value) -> int:
        """Run it; how many rows it changed."""
        return int(self._run(connection, values).rowcount)

    def _run(self, connection: Connection, values: dict[str, Value]) -> Any:
        if not self._sql:
            self._compile(connection)
        given = {**self._fixed, **values}
        cursor = connection.connection.cursor()
        if self._order is None:
            cursor.execute(self._sql, given)
        else:
            cursor.execute(self._sql, [given[name] for name in self._order])
        return cursor

    def _compile(self, connection: Connection) -> None:
        compiled: Any = cast(ClauseElement, self._statement).compile(dialect=connection.dialect)
        self._fixed = {k: v for k, v in compiled.params.items() if v is not None}
        self._order = tuple(compiled.positiontup) if compiled.positional else None
        self._sql = str(compiled)
