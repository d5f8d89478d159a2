"""The journal's statements, as SQLite and as PostgreSQL take them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol

ROWS = 200
"""Rows of one insert at most on SQLite; each number of rows is a statement that is cached."""

Row = tuple[Any, ...]


class Statements(Protocol):
    """`rows` is flat: turn_id, first_n, count and payload of one row, then of the next.

    `log` takes a turn's id; `hot` what is built by `hot_values`; `many`, where there is such a
    statement, lists of turns and starts, and gives a turn's id with each payload, in order.
    """

    log: str
    hot: str
    many: str | None

    def hot_values(self, turn_id: str, start: int) -> Row: ...

    def insert(self, cursor: Any, rows: list[str | int]) -> None:
        """Store within the caller's transaction."""
        ...

    def insert_fenced(self, cursor: Any, rows: list[str | int], guard: tuple[str, int]) -> bool:
        """Store in one statement if the node's row carries its epoch; was it?"""
        ...

    def holds(self, cursor: Any, rows: list[str | int]) -> bool:
        """Is the first of the rows stored, and with it all?"""
        ...


class Sqlite:
    """One insert for a few hundred rows, all of its values in the order of its question marks."""

    log = "SELECT payload FROM turn_logs WHERE turn_id = ?"
    hot = """
SELECT e.payload FROM turns t JOIN turn_events e ON e.id >= t.first_event_id
WHERE t.turn_id = ? AND e.turn_id = t.turn_id AND e.first_n + e.count > ? ORDER BY e.id
"""

    many: str | None = None

    def hot_values(self, turn_id: str, start: int) -> Row:
        """As they stand in `hot`."""
        return turn_id, start

    def insert(self, cursor: Any, rows: list[str | int]) -> None:
        """See `Statements`."""
        for at in range(0, len(rows), 4 * ROWS):
            some = rows[at : at + 4 * ROWS]
            cursor.execute(_insert(len(some) // 4), some)

    def insert_fenced(self, cursor: Any, rows: list[str | int], guard: tuple[str, int]) -> bool:
        """See `Statements`."""
        cursor.execute(_fenced_insert(len(rows) // 4), [*rows, *guard])
        return bool(cursor.rowcount)

    def holds(self, cursor: Any, rows: list[str | int]) -> bool:
        """See `Statements`. A commit's answer never gets lost here."""
        del cursor, rows
        return False


class Postgres:
    """One insert for any number of rows: a list for each column.

    Which events a reader needs is found from the index by turn: those from the last row on that
    begins no later than where it reads from. Those of a turn that has ended may outlive its log.
    """

    log = "SELECT payload FROM turn_logs WHERE turn_id = %s"
    hot = """
SELECT payload FROM turn_events
WHERE turn_id = %(turn)s AND first_n >= coalesce(
    (SELECT max(first_n) FROM turn_events WHERE turn_id = %(turn)s AND first_n <= %(start)s), 0)
AND EXISTS (
    SELECT 1 FROM turns WHERE turn_id = %(turn)s AND status IN ('queued', 'running'))
ORDER BY first_n
"""
    many: str | None = """
SELECT w.turn, l.payload
FROM unnest(%(turns)s::text[], %(starts)s::int[]) AS w(turn, start)
JOIN turn_logs l ON l.turn_id = w.turn
UNION ALL
SELECT * FROM (
    SELECT w.turn, e.payload
    FROM unnest(%(turns)s::text[], %(starts)s::int[]) AS w(turn, start)
    JOIN turns t ON t.turn_id = w.turn AND t.status IN ('queued', 'running')
    JOIN turn_events e ON e.turn_id = w.turn AND e.first_n >= coalesce(
        (SELECT max(first_n) FROM turn_events WHERE turn_id = w.turn AND first_n <= w.start), 0)
    ORDER BY w.turn, e.first_n
) AS hot
"""
    _columns = "unnest(%b::text[], %b::int[], %b::int[], %b::text[])"
    _into = "INSERT INTO turn_events (turn_id, first_n, count, payload) SELECT * FROM"
    _one = "SELECT 1 FROM turn_events WHERE turn_id = %s AND first_n = %s LIMIT 1"
    _fence = (
        "WITH fence AS MATERIALIZED (SELECT 1 FROM nodes WHERE id = %s AND epoch = %s FOR SHARE)"
    )
    _if_held = "WHERE EXISTS (SELECT 1 FROM fence)"

    def hot_values(self, turn_id: str, start: int) -> Any:
        """By their names in `hot`."""
        return {"turn": turn_id, "start": start}

    def insert(self, cursor: Any, rows: list[str | int]) -> None:
        """See `Statements`."""
        if rows:
            cursor.execute(f"{self._into} {self._columns}", _by_column(rows))

    def insert_fenced(self, cursor: Any, rows: list[str | int], guard: tuple[str, int]) -> bool:
        """See `Statements`."""
        cursor.execute(
            f"{self._fence} {self._into} {self._columns} {self._if_held}",
            (*guard, *_by_column(rows)),
        )
        return bool(cursor.rowcount)

    def holds(self, cursor: Any, rows: list[str | int]) -> bool:
        """See `Statements`. A fenced node's turns are others': the caller has passed the fence."""
        return bool(rows) and cursor.execute(self._one, rows[:2]).fetchone() is not None


BY_DIALECT: dict[str, Statements] = {"sqlite": Sqlite(), "postgresql": Postgres()}


def _by_column(rows: list[str | int]) -> tuple[Sequence[str | int], ...]:
    return rows[0::4], rows[1::4], rows[2::4], rows[3::4]


@lru_cache(ROWS)
def _insert(rows: int) -> str:
    values = ",".join(["(?,?,?,?)"] * rows)
    return f"INSERT INTO turn_events (turn_id, first_n, count, payload) VALUES {values}"  # noqa: S608 - only "?"


@lru_cache(ROWS)
def _fenced_insert(rows: int) -> str:
    values = ",".join(["(?,?,?,?)"] * rows)
    return (
        "INSERT INTO turn_events (turn_id, first_n, count, payload) "  # noqa: S608 - as above
        f"SELECT * FROM (VALUES {values}) "
        "WHERE EXISTS (SELECT 1 FROM nodes WHERE id = ? AND epoch = ?)"
    )
