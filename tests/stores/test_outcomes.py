"""An end is stored once, with a ledger row, whatever way the turn ended."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from talkwire.canon.events import TurnFailed
from talkwire.stores.database import Database
from talkwire.stores.outcomes import write_outcome
from talkwire.stores.turns import SqlRecords
from tests.contracts.turn_values import new_turn, outcome


@pytest.mark.parametrize("aborted", [True, False])
async def test_each_end_has_a_ledger_row(
    database: Database, records: SqlRecords, aborted: bool
) -> None:
    end = outcome(await records.start(new_turn()), aborted=aborted)
    race = [database.write(lambda c: write_outcome(c, end)) for _ in range(5)]
    stored = await asyncio.gather(*race)

    assert stored == [True, False, False, False, False]
    rows = await database.read(
        lambda c: c.exec_driver_sql(
            "SELECT status, input_tokens, output_tokens, estimated, cost FROM usage"
        ).all()
    )
    assert [tuple(row) for row in rows] == [(end.status, 3, 5, 1, 0.5)]


async def test_a_failure_keeps_its_reason(database: Database, records: SqlRecords) -> None:
    end = outcome(await records.start(new_turn()))
    failed = TurnFailed("worker_lost", "The process died.", retryable=True)
    values = {name: getattr(end, name) for name in end.__struct_fields__}
    failure = type(end)(**values | {"status": "failed", "terminal": failed})
    await database.write(lambda c: write_outcome(c, failure))

    record = await records.turn("ann", end.turn_id)
    assert (record.status, record.error_code) == ("failed", "worker_lost")
    assert (record.error_message, record.retryable) == ("The process died.", True)


async def test_anothers_turn_is_not_ended(database: Database, records: SqlRecords) -> None:
    end = outcome(await records.start(new_turn()))
    values = {name: getattr(end, name) for name in end.__struct_fields__}
    foreign = type(end)(**values | {"owner": "bob"})

    assert not await database.write(lambda c: write_outcome(c, foreign))


async def test_how_long_was_heard_and_spoken_is_kept(
    database: Database, records: SqlRecords
) -> None:
    end = replace(outcome(await records.start(new_turn())), voice_ms=1234)
    await database.write(lambda c: write_outcome(c, end))

    rows = await database.read(lambda c: c.exec_driver_sql("SELECT voice_ms FROM turns").all())
    assert [tuple(row) for row in rows] == [(1234,)]
