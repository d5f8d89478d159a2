"""Both dialects' statements do the same, on the databases that speak them."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection

from talkwire.journals._statements import BY_DIALECT
from tests.databases import AnyDatabase
from tests.stores.conftest import database, make

__all__ = ["database", "make"]

_ALL = "SELECT turn_id, first_n, count, payload FROM turn_events ORDER BY id"
_ROWS: list[str | int] = ["t_1", 0, 2, '["a\\\\,{}\\""]', "t_2", 5, 1, "äöü 你好"]


def _cursor(connection: Connection) -> Any:
    return connection.connection.cursor()


async def test_rows_arrive_as_they_were(database: AnyDatabase) -> None:
    many: list[str | int] = [v for i in range(450) for v in (f"m_{i}", i, 1, "x")]

    def store(connection: Connection) -> None:
        statements = BY_DIALECT[connection.dialect.name]
        statements.insert(_cursor(connection), [])
        statements.insert(_cursor(connection), _ROWS)
        statements.insert(_cursor(connection), many)

    await database.write(store)
    found = await database.read(lambda c: c.exec_driver_sql(_ALL).all())

    assert [tuple(row) for row in found[:2]] == [tuple(_ROWS[:4]), tuple(_ROWS[4:])]
    assert len(found) == 452


@pytest.mark.parametrize(("epoch", "stored"), [(1, True), (2, False)])
async def test_a_fenced_insert_stores_all_or_nothing(
    database: AnyDatabase, epoch: int, stored: bool
) -> None:
    def join(connection: Connection) -> None:
        connection.exec_driver_sql(
            "INSERT INTO nodes (id, epoch, seen_at, pid) VALUES ('n', 1, 0, 1)"
        )

    def store(connection: Connection) -> bool:
        statements = BY_DIALECT[connection.dialect.name]
        return statements.insert_fenced(_cursor(connection), _ROWS, ("n", epoch))

    await database.write(join)
    assert await database.write(store) == stored
    found = await database.read(lambda c: c.exec_driver_sql(_ALL).all())
    assert len(found) == (2 if stored else 0)


async def test_what_is_held_is_found_again_on_postgresql(database: AnyDatabase) -> None:
    def look(connection: Connection) -> list[bool]:
        statements = BY_DIALECT[connection.dialect.name]
        cursor = _cursor(connection)
        before = statements.holds(cursor, _ROWS)
        statements.insert(cursor, _ROWS)
        return [before, statements.holds(cursor, _ROWS), statements.holds(cursor, [])]

    assert await database.write(look) == [False, database.partitioned, False]
