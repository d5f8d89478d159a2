"""Records belong to a node: it finds its own unfinished turns, and only those."""

from __future__ import annotations

from talkwire.stores.database import Database
from talkwire.stores.turns import SqlRecords
from tests.contracts.turn_values import NOW, new_turn


async def test_another_nodes_turns_are_not_carried_on(
    database: Database, records: SqlRecords
) -> None:
    await records.start(new_turn())

    assert await SqlRecords(database, lambda: "other").unfinished() == []


async def test_a_turn_that_runs_is_not_started_again(
    database: Database, records: SqlRecords
) -> None:
    started = await records.start(new_turn())
    later = SqlRecords(database, lambda: "local", clock=lambda: NOW + 5)
    await later.running(started.record.turn_id)

    assert (await records.turn("ann", started.record.turn_id)).started_at == NOW


async def test_an_expired_session_has_no_current_branch(
    database: Database, records: SqlRecords
) -> None:
    started = await records.start(new_turn(ttl_s=1))
    late = SqlRecords(database, lambda: "local", clock=lambda: NOW + 1_000)

    assert await late.path("ann", "s_1", None) == []
    assert len(await late.path("ann", "s_1", f"msg_{started.record.turn_id}_in")) == 1
