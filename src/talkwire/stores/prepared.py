"""Core statements that are compiled once and then run by the driver alone.

Core's own execution costs some 50 µs a statement, which is more than SQLite needs for it. The
statements of a turn's start and end go this way, on PostgreSQL as well. Values pass without
Core's type handling: text, numbers, booleans and None only, and a boolean may come back as 0 or 1.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

from sqlalchemy import Connection, Executable
from sqlalchemy.sql.elements import ClauseElement

Row = tuple[Any, ...]
Value = str | int | float | bool | None


class Compiled(NamedTuple):
    """A statement in one dialect: its text, the order of its values or None where they go by
    name, and the values that never change."""

    sql: str
    order: tuple[str, ...] | None
    fixed: dict[str, Any]


class Prepared:
    """One statement; its named bind parameters are the keywords of a call."""

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._compiled: dict[str, Compiled] = {}

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
        compiled = self._compiled.get(connection.dialect.name)
        if compiled is None:
            compiled = self._compile(connection)
        sql, order, fixed = compiled
        given = {**fixed, **values}
        cursor = connection.connection.cursor()
        if order is None:
            cursor.execute(sql, given)
        else:
            cursor.execute(sql, [given[name] for name in order])
        return cursor

    def _compile(self, connection: Connection) -> Compiled:
        dialect = connection.dialect
        made: Any = cast(ClauseElement, self._statement).compile(dialect=dialect)
        fixed = {k: v for k, v in made.params.items() if v is not None}
        order = tuple(made.positiontup) if made.positional else None
        compiled = self._compiled[dialect.name] = Compiled(str(made), order, fixed)
        return compiled
