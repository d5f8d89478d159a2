"""What every database promises: order, isolation of units, the fence, one state for a query."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from sqlalchemy import Connection

from talkwire.canon.errors import Conflict, Fenced, StorageUnavailable
from tests.databases import Another, AnyDatabase, AnyNodes, add, count


def _note(done: list[int], number: int, _connection: Connection) -> None:
    done.append(number)


def _add_and_refuse(connection: Connection, name: str) -> None:
    add(connection, name)
    raise Conflict(f"{name} is refused")


async def test_units_are_done_in_order(database: AnyDatabase) -> None:
    done: list[int] = []
    await asyncio.gather(*[database.submit(partial(_note, done, i)) for i in range(100)])

    assert done == list(range(100))


async def test_a_unit_that_raises_is_undone_alone(database: AnyDatabase) -> None:
    futures = [database.submit(partial(add, name=f"p{i}")) for i in range(3)]
    futures.insert(1, database.submit(lambda c: _add_and_refuse(c, "q")))
    futures.append(database.submit(lambda c: add(c, "r")))
    results = await asyncio.gather(*futures, return_exceptions=True)

    assert [type(r) for r in results].count(Conflict) == 1
    assert await database.read(count) == 4
    with pytest.raises(Conflict):
        await database.write(lambda c: _add_and_refuse(c, "alone"))
    assert await database.read(count) == 4


async def test_a_bug_stays_a_bug_and_harms_nobody_else(database: AnyDatabase) -> None:
    results = await asyncio.gather(
        database.write(lambda c: add(c, "a")),
        database.write(lambda c: add(c, "a")),  # the row is there already
        database.write(lambda _: 1 // 0),
        database.write(lambda c: add(c, "b")),
        return_exceptions=True,
    )

    assert [isinstance(r, Exception) for r in results] == [False, True, True, False]
    assert not any(isinstance(r, StorageUnavailable) for r in results)
    assert await database.read(count) == 2


async def test_close_writes_what_is_queued(make: Another) -> None:
    database = make()
    await database.open()
    futures = [database.submit(partial(add, name=f"p{i}")) for i in range(5)]
    await database.close()

    await asyncio.gather(*futures)
    with pytest.raises(StorageUnavailable):
        await database.write(count)
    again = make()
    await again.open()
    assert await again.read(count) == 5
    await again.close()


async def test_a_query_sees_one_state_and_cannot_write(database: AnyDatabase) -> None:
    await database.read(lambda c: add(c, "nobody"))

    assert await database.read(count) == 0


async def test_a_unit_apart_is_stored_or_undone(database: AnyDatabase) -> None:
    await database.apart(lambda c: add(c, "apart"))
    with pytest.raises(Conflict):
        await database.apart(lambda c: _add_and_refuse(c, "refused"))

    assert await database.read(count) == 1


async def test_under_a_lost_guard_nothing_is_stored_whatever_the_company(
    database: AnyDatabase, nodes: AnyNodes
) -> None:
    await database.write(lambda c: add(c, "before"))
    await database.write(lambda c: c.exec_driver_sql("UPDATE nodes SET epoch = epoch + 1").close())
    late = [database.write(partial(add, name=f"late{i}")) for i in range(3)]
    results = await asyncio.gather(*late, return_exceptions=True)

    assert [type(r) for r in results] == [Fenced, Fenced, Fenced]
    assert await database.read(count) == 1
    assert nodes.epoch == 1
