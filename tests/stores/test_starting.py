"""Races on one session, and all or nothing."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import Connection

from talkwire.canon.errors import Busy, NotFound
from talkwire.stores.database import Database
from talkwire.stores.turns import SqlRecords
from tests.contracts.turn_values import new_turn

_TABLES = ("sessions", "messages", "turns", "turn_events", "idempotency")


def _rows(connection: Connection) -> list[int]:
    return [
        int(connection.exec_driver_sql(f"SELECT count(*) FROM {t}").scalar_one())  # noqa: S608 - from above
        for t in _TABLES
    ]


async def test_of_racing_turns_as_many_wait_as_may(records: SqlRecords) -> None:
    race = [records.start(new_turn(max_waiting=3)) for _ in range(10)]
    results = await asyncio.gather(*race, return_exceptions=True)

    assert sum(isinstance(r, Busy) for r in results) == 6
    assert len(await records.unfinished()) == 4


async def test_a_refused_turn_leaves_no_trace(database: Database, records: SqlRecords) -> None:
    with pytest.raises(NotFound):
        await records.start(new_turn(parent_id="msg_none", key="k"))

    assert await database.read(_rows) == [0] * len(_TABLES)
