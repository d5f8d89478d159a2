"""Calls that wait for a person, in the database: claimed once, by their owner, in time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import update

from talkwire.canon.errors import AlreadyDecided, Conflict, Gone, NotFound, TalkwireError
from talkwire.canon.events import (
    TurnAborted,
    TurnStarted,
)
from talkwire.canon.records import NewTurn, Started, Verdict
from talkwire.canon.tools import Decision
from talkwire.canon.turn import answer_message_id
from talkwire.journals.sql import SqlJournal
from talkwire.stores.outcomes import write_outcome
from talkwire.stores.schema import approvals, sessions
from talkwire.stores.turns import SqlRecords, now_ms
from tests.contracts.turn_values import asks, new_turn, outcome
from tests.databases import AnyDatabase

LATER = now_ms() + 3_600_000
SELL = '{"what":"car"}'


@pytest.fixture
def journal(database: AnyDatabase) -> SqlJournal:
    return SqlJournal(database, write_outcome)


def decides(call_id: str, *, approved: bool = True, **more: Any) -> NewTurn:
    about = {"parent_id": "msg_what_it_is_about"}  # which decides nothing
    new = new_turn(text="", at=now_ms(), max_waiting=100, **{**about, **more})
    return replace(new, verdict=Verdict(call_id, approved, None if approved else "no"))


def decision(started: Started) -> Decision:
    event = started.events[0].event
    assert isinstance(event, TurnStarted)
    assert event.decision is not None
    return event.decision


async def asked(records: SqlRecords, journal: SqlJournal, *call_ids: str, **more: Any) -> str:
    """A turn that waits for these calls; its id."""
    started = await records.start(new_turn(at=now_ms()))
    await journal.finish(asks(started, *call_ids, **{"until": LATER, "at": now_ms(), **more}))
    return started.record.turn_id


async def test_what_is_asked_is_stored_with_the_end_of_the_turn(
    records: SqlRecords, journal: SqlJournal
) -> None:
    turn_id = await asked(records, journal, "c_1")

    waits = await records.approval("ann", "c_1")
    assert (waits.turn_id, waits.session_id, waits.state) == (turn_id, "s_1", "pending")
    assert (waits.name, waits.arguments, waits.expires_at) == ("sell", SELL, LATER)
    assert waits.request.text == "Hi"
    assert (await records.turn("ann", turn_id)).finish_reason == "approval_required"


async def test_a_turn_that_ends_in_another_way_asks_nobody(
    records: SqlRecords, journal: SqlJournal
) -> None:
    await asked(records, journal, "c_1", terminal=TurnAborted("client"), status="aborted")

    with pytest.raises(NotFound):
        await records.approval("ann", "c_1")


@pytest.mark.parametrize("approved", [True, False])
async def test_a_decision_starts_a_turn_with_what_is_stored(
    approved: bool, records: SqlRecords, journal: SqlJournal
) -> None:
    turn_id = await asked(records, journal, "c_1")
    started = await records.start(decides("c_1", approved=approved))

    reason = None if approved else "no"
    assert decision(started) == Decision("c_1", "sell", SELL, approved, turn_id, reason)
    event = started.events[0].event
    assert isinstance(event, TurnStarted)
    assert event.parent_id == answer_message_id(turn_id)
    waits = await records.approval("ann", "c_1")
    assert waits.state == ("approved" if approved else "denied")
    assert (waits.decided_in, waits.reason) == (started.record.turn_id, reason)
    (left,) = await records.unfinished()
    assert left.events == started.events


async def test_of_decisions_at_once_one_is_taken_and_the_others_leave_nothing(
    records: SqlRecords, journal: SqlJournal
) -> None:
    await asked(records, journal, "c_1")
    tries = [records.start(decides("c_1", approved=n % 2 == 0)) for n in range(50)]

    outcomes = await asyncio.gather(*tries, return_exceptions=True)

    taken = [each for each in outcomes if isinstance(each, Started)]
    refused = [each for each in outcomes if isinstance(each, AlreadyDecided)]
    assert (len(taken), len(refused)) == (1, 49)
    assert {each.turn_id for each in refused} == {taken[0].record.turn_id}
    assert len(await records.unfinished()) == 1


Change = Callable[[SqlRecords, SqlJournal], Any]


async def asks_something_else(records: SqlRecords, journal: SqlJournal) -> None:
    await records.start(new_turn(at=now_ms()))


async def has_asked_something_else(records: SqlRecords, journal: SqlJournal) -> None:
    started = await records.start(new_turn(at=now_ms()))
    await journal.finish(outcome(started, at=now_ms()))


async def asks_on_another_branch(records: SqlRecords, journal: SqlJournal) -> None:
    started = await records.start(new_turn(at=now_ms(), parent_id=""))
    await journal.finish(outcome(started, at=now_ms()))


@pytest.mark.parametrize(
    "change", [asks_something_else, has_asked_something_else, asks_on_another_branch]
)
async def test_what_is_asked_instead_supersedes_it(
    change: Change, records: SqlRecords, journal: SqlJournal
) -> None:
    await asked(records, journal, "c_1")
    await change(records, journal)

    await refused(records, decides("c_1"), Conflict, "approval_superseded")


async def test_what_waited_behind_supersedes_it(records: SqlRecords, journal: SqlJournal) -> None:
    first = await records.start(new_turn(at=now_ms()))
    await records.start(new_turn(at=now_ms()))
    await journal.finish(asks(first, "c_1", until=LATER))

    await refused(records, decides("c_1"), Conflict, "approval_superseded")


async def test_after_its_time_it_is_gone(records: SqlRecords, journal: SqlJournal) -> None:
    await asked(records, journal, "c_1", until=now_ms() - 1)

    await refused(records, decides("c_1"), Gone, "approval_expired")


@pytest.mark.parametrize(
    "new", [decides("c_2"), decides("c_1", owner="bob"), decides("c_1", session_id="s_2")]
)
async def test_one_that_is_not_there_one_of_another_and_one_in_another_session(
    new: NewTurn, records: SqlRecords, journal: SqlJournal
) -> None:
    await asked(records, journal, "c_1")

    with pytest.raises(TalkwireError) as told:
        await records.start(new)
    assert told.value.status in (404, 409)
    assert (await records.approval("ann", "c_1")).state == "pending"
    with pytest.raises(NotFound):
        await records.approval("bob", "c_1")


async def test_a_session_that_ends_at_a_question_again_has_it_again_but_not_a_decided_one(
    records: SqlRecords, journal: SqlJournal, database: AnyDatabase
) -> None:
    turn_id = await asked(records, journal, "c_1")
    back = update(sessions).values(leaf=answer_message_id(turn_id))
    await has_asked_something_else(records, journal)
    await database.write(lambda c: c.execute(back))
    started = await records.start(decides("c_1"))
    await journal.finish(outcome(started, at=now_ms()))
    await database.write(lambda c: c.execute(back))

    await refused(records, decides("c_1"), Conflict, "approval_already_decided")


async def test_the_last_decision_of_a_step_has_nobody_to_wait_for(
    records: SqlRecords, journal: SqlJournal
) -> None:
    await asked(records, journal, "c_1", "c_2", "c_3")

    first = await records.start(decides("c_2"))
    second = await records.start(decides("c_1"))
    await journal.finish(outcome(first, at=now_ms()))
    await journal.finish(outcome(second, at=now_ms()))
    third = await records.start(decides("c_3"))

    assert [decision(each).more for each in (first, second, third)] == [True, True, False]
    assert second.ahead == (first.record.turn_id,)
    event = third.events[0].event
    assert isinstance(event, TurnStarted)
    assert event.parent_id == answer_message_id(second.record.turn_id)


async def test_nobody_waits_for_a_call_whose_time_is_over(
    records: SqlRecords, journal: SqlJournal, database: AnyDatabase
) -> None:
    await asked(records, journal, "c_1", "c_2")
    late = update(approvals).where(approvals.c.call_id == "c_2").values(expires_at=1)
    await database.write(lambda c: c.execute(late))

    assert not decision(await records.start(decides("c_1"))).more
    await refused(records, decides("c_2"), TalkwireError, "approval_expired")


async def test_the_same_key_is_the_same_decision(records: SqlRecords, journal: SqlJournal) -> None:
    await asked(records, journal, "c_1")
    first = await records.start(decides("c_1", key="k"))
    again = await records.start(decides("c_1", key="k"))

    assert (again.fresh, again.record.turn_id) == (False, first.record.turn_id)


async def test_an_expired_session_has_no_call_that_waits(
    records: SqlRecords, journal: SqlJournal
) -> None:
    started = await records.start(new_turn(at=1, ttl_s=0.001))
    await journal.finish(replace(asks(started, "c_1", until=LATER), ended_at=2))

    await refused(records, decides("c_1"), Conflict, "approval_superseded")


async def refused(records: SqlRecords, new: NewTurn, kind: type[TalkwireError], code: str) -> None:
    before = await records.unfinished()
    with pytest.raises(kind) as told:
        await records.start(new)
    assert told.value.code == code
    assert [left.record for left in await records.unfinished()] == [left.record for left in before]
    assert (await records.approval("ann", "c_1")).state in ("pending", "approved")
