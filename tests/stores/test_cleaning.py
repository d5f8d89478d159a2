"""What is forgotten, and what must not be."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from talkwire.canon.errors import NotFound
from talkwire.canon.turn import answer_message_id
from talkwire.journals.sql import SqlJournal
from talkwire.stores.cleaning import Cleaning
from talkwire.stores.database import Database
from talkwire.stores.outcomes import write_outcome
from talkwire.stores.turns import SqlRecords
from tests.contracts.turn_values import NOW, Listener, asks, deltas, new_turn, outcome


async def test_hot_events_of_ended_turns_go_and_those_of_running_ones_stay(
    database: Database, records: SqlRecords
) -> None:
    journal = SqlJournal(database, write_outcome)
    ended = [await records.start(new_turn(f"s_{i}")) for i in range(5)]
    for started in ended:
        await journal.finish(outcome(started))
    running = await records.start(new_turn("s_r"))
    tail = Listener()
    journal.attach(running.record.turn_id, tail)
    journal.append(running.record.turn_id, deltas(1, "a", "b"))
    await tail.reach(3)

    swept = await Cleaning(database, retention_s=60, clock=lambda: NOW, slice_rows=2).sweep()

    assert database.partitioned or swept.events == 5
    assert (swept.logs, swept.approvals, swept.keys) == (0, 0, 0)
    assert len(await journal.read(running.record.turn_id, 0)) == 3
    assert len(await journal.read(ended[0].record.turn_id, 0)) == 2
    again = await Cleaning(database, retention_s=60, clock=lambda: NOW).sweep()
    assert database.partitioned or again.events == 0


async def test_logs_past_their_retention_and_expired_keys_go(
    database: Database, records: SqlRecords
) -> None:
    journal = SqlJournal(database, write_outcome)
    old = await records.start(new_turn("s_1", key="old"))
    await journal.finish(outcome(old, at=NOW))
    new = await records.start(new_turn("s_2", key="new", at=NOW + 50_000))
    await journal.finish(outcome(new, at=NOW + 60_000))

    swept = await Cleaning(database, retention_s=60, clock=lambda: NOW + 60_001).sweep()

    assert (swept.logs, swept.keys) == (1, 1)
    assert await journal.read(old.record.turn_id, 0) == []
    assert len(await journal.read(new.record.turn_id, 0)) == 2
    assert (await records.turn("ann", old.record.turn_id)).ended


async def test_logs_with_audio_may_go_earlier_and_their_messages_stay(
    database: Database, records: SqlRecords
) -> None:
    journal = SqlJournal(database, write_outcome)
    spoken = await records.start(new_turn("s_1"))
    await journal.finish(replace(outcome(spoken, at=NOW), spoken=True))
    written = await records.start(new_turn("s_2"))
    await journal.finish(outcome(written, at=NOW))
    at = NOW + 60_001

    for kept_s, gone in ((3_600.0, 0), (60.0, 1)):
        cleaning = Cleaning(database, retention_s=600, spoken_s=kept_s, clock=lambda: at)
        swept = await cleaning.sweep()
        assert (swept.spoken, swept.logs) == (gone, 0)
    assert await journal.read(spoken.record.turn_id, 0) == []
    assert len(await journal.read(written.record.turn_id, 0)) == 2
    stored = await records.message("ann", answer_message_id(spoken.record.turn_id))
    assert stored.message.text == "Hello"


async def test_a_call_that_had_to_be_approved_is_known_for_a_while_after_its_time(
    database: Database, records: SqlRecords
) -> None:
    journal = SqlJournal(database, write_outcome)
    for session, call_id, until in (("s_1", "old", NOW), ("s_2", "new", NOW + 2)):
        started = await records.start(new_turn(session))
        await journal.finish(asks(started, call_id, until=until))

    swept = await Cleaning(database, retention_s=60, clock=lambda: NOW + 60_001).sweep()

    assert swept.approvals == 1
    assert (await records.approval("ann", "new")).call_id == "new"
    with pytest.raises(NotFound):
        await records.approval("ann", "old")
