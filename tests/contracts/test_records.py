"""What every implementation of the port `Records` must hold."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from msgspec.structs import replace

from talkwire.canon.errors import Busy, IdempotencyMismatch, NotFound
from talkwire.canon.events import TurnStarted
from talkwire.canon.turn import answer_message_id, input_message_id, text_message
from talkwire.journals.sql import SqlJournal
from talkwire.stores.outcomes import write_outcome
from talkwire.stores.turns import SqlRecords
from tests.contracts.turn_values import NOW, deltas, new_turn, outcome
from tests.databases import AnyDatabase


@pytest.fixture
def journal(database: AnyDatabase) -> SqlJournal:
    return SqlJournal(database, write_outcome)


async def test_a_started_turn_is_stored_with_its_message_and_event_0(records: SqlRecords) -> None:
    new = new_turn()
    started = await records.start(new)

    assert started.fresh
    assert started.new_session
    assert started.ahead == ()
    event = started.events[0].event
    assert isinstance(event, TurnStarted)
    assert event.request == new.request
    assert event.parent_id == input_message_id(new.turn_id)
    assert await records.turn("ann", new.turn_id) == started.record
    asked = await records.message("ann", input_message_id(new.turn_id))
    assert (asked.message.text, asked.parent_id, asked.turn_id) == ("Hi", None, new.turn_id)
    (open_turn,) = await records.unfinished()
    assert open_turn.events == started.events


async def test_what_belongs_to_another_is_not_found(records: SqlRecords) -> None:
    new = new_turn()
    await records.start(new)

    with pytest.raises(NotFound):
        await records.turn("bob", new.turn_id)
    with pytest.raises(NotFound):
        await records.message("bob", input_message_id(new.turn_id))
    assert await records.path("bob", "s_1", input_message_id(new.turn_id)) == []
    with pytest.raises(NotFound):
        await records.start(new_turn(owner="bob", parent_id=input_message_id(new.turn_id)))


async def test_equal_session_ids_of_two_owners_are_two_sessions(records: SqlRecords) -> None:
    await records.start(new_turn(owner="ann"))
    started = await records.start(new_turn(owner="bob", on_busy="reject"))

    assert started.new_session


async def test_the_end_stores_messages_and_figures(
    records: SqlRecords, journal: SqlJournal
) -> None:
    started = await records.start(new_turn())
    await journal.finish(outcome(started))

    record = await records.turn("ann", started.record.turn_id)
    assert record.status == "completed"
    assert record.finish_reason == "stop"
    assert record.usage is not None
    assert (record.usage.output_tokens, record.usage.estimated) == (5, True)
    assert (record.model, record.reasons) == ("large", ("asked for",))
    assert await records.unfinished() == []


async def test_turns_follow_each_other_on_one_branch(
    records: SqlRecords, journal: SqlJournal
) -> None:
    first = await records.start(new_turn(text="one", at=NOW))
    await journal.finish(outcome(first, text="uno"))
    second = await records.start(new_turn(text="two", at=NOW + 2000))
    await journal.finish(outcome(second, text="dos", at=NOW + 3000))

    fixed = SqlRecords(records._database, lambda: "local", clock=lambda: NOW + 4000)
    path = await fixed.path("ann", "s_1", None)
    assert [m.message.text for m in path] == ["one", "uno", "two", "dos"]
    assert [m.parent_id for m in path] == [None, *(m.message.id for m in path[:-1])]
    assert not second.new_session


async def test_an_edit_is_a_sibling_and_a_root_stands_alone(
    records: SqlRecords, journal: SqlJournal
) -> None:
    first = await records.start(new_turn(text="one"))
    await journal.finish(outcome(first))
    asked = input_message_id(first.record.turn_id)
    answer = answer_message_id(first.record.turn_id)
    second = await records.start(new_turn(text="two"))
    await journal.finish(outcome(second))

    edit = await records.start(new_turn(text="two, edited", parent_id=answer))
    await journal.finish(outcome(edit))
    root = await records.start(new_turn(text="anew", parent_id=""))
    await journal.finish(outcome(root))

    edited = await records.path("ann", "s_1", answer_message_id(edit.record.turn_id))
    assert [m.message.id for m in edited][:2] == [asked, answer]
    assert edited[2].message.text == "two, edited"
    alone = await records.path("ann", "s_1", answer_message_id(root.record.turn_id))
    assert [m.message.text for m in alone] == ["anew", "Hello"]


async def test_another_answer_hangs_on_the_same_message(
    records: SqlRecords, journal: SqlJournal
) -> None:
    first = await records.start(new_turn())
    await journal.finish(outcome(first))
    asked = input_message_id(first.record.turn_id)

    again = await records.start(new_turn(text="", parent_id=asked))
    await journal.finish(outcome(again, text="Good day"))

    assert isinstance(again.events[0].event, TurnStarted)
    assert again.events[0].event.parent_id == asked
    path = await records.path("ann", "s_1", answer_message_id(again.record.turn_id))
    assert [m.message.text for m in path] == ["Hi", "Good day"]
    with pytest.raises(NotFound):
        await records.message("ann", input_message_id(again.record.turn_id))


async def test_a_parent_of_another_session_is_not_found(records: SqlRecords) -> None:
    other = await records.start(new_turn("s_2"))

    with pytest.raises(NotFound):
        await records.start(new_turn("s_1", parent_id=input_message_id(other.record.turn_id)))
    assert len(await records.unfinished()) == 1


async def test_a_queued_turn_follows_the_answer_it_waits_for(records: SqlRecords) -> None:
    first = await records.start(new_turn())
    second = await records.start(new_turn())
    third = await records.start(new_turn(parent_id=answer_message_id(second.record.turn_id)))

    assert second.record.status == "queued"
    assert second.ahead == (first.record.turn_id,)
    assert third.ahead == (first.record.turn_id, second.record.turn_id)
    asked = await records.message("ann", input_message_id(second.record.turn_id))
    assert asked.parent_id == answer_message_id(first.record.turn_id)
    await records.running(second.record.turn_id)
    record = await records.turn("ann", second.record.turn_id)
    assert (record.status, record.started_at is not None) == ("running", True)


async def test_a_full_queue_and_reject_are_busy_and_store_nothing(records: SqlRecords) -> None:
    first = await records.start(new_turn())
    await records.start(new_turn(max_waiting=1))

    with pytest.raises(Busy) as full:
        await records.start(new_turn(max_waiting=1))
    with pytest.raises(Busy) as rejected:
        await records.start(new_turn(on_busy="reject", key="k"))

    assert full.value.turn_id == rejected.value.turn_id == first.record.turn_id
    assert len(await records.unfinished()) == 2
    assert (await records.start(new_turn("s_2", key="k"))).fresh
    interrupting = await records.start(new_turn(on_busy="interrupt", max_waiting=0))
    assert interrupting.ahead[0] == first.record.turn_id


async def test_the_turn_of_a_key_can_be_looked_up_until_it_expires(
    database: AnyDatabase, records: SqlRecords
) -> None:
    new = new_turn(key="k", owner="ann")
    assert new.idempotency is not None
    assert await records.known("ann", new.idempotency) is None
    await records.start(new)
    end = new.at + int(new.idempotency.ttl_s * 1000)

    for at, there in ((end - 1, new.turn_id), (end, None)):
        later = SqlRecords(database, lambda: "n", clock=partial(int, at))
        found = await later.known("ann", new.idempotency)
        assert (found and found.turn_id) == there
    assert await records.known("bob", new.idempotency) is None
    with pytest.raises(IdempotencyMismatch):
        await SqlRecords(database, lambda: "n", clock=lambda: new.at).known(
            "ann", replace(new.idempotency, fingerprint="other")
        )


async def test_a_key_names_one_turn_whoever_races(records: SqlRecords) -> None:
    race = [records.start(new_turn(key="k")) for _ in range(50)]
    results = await asyncio.gather(*race)

    assert sum(r.fresh for r in results) == 1
    assert len({r.record.turn_id for r in results}) == 1
    assert len(await records.unfinished()) == 1
    with pytest.raises(IdempotencyMismatch):
        await records.start(new_turn(key="k", fingerprint="g"))
    assert (await records.start(new_turn("s_9", owner="bob", key="k"))).fresh


async def test_an_expired_key_is_free_again(records: SqlRecords) -> None:
    first = await records.start(new_turn(key="k"))
    second = await records.start(new_turn("s_2", key="k", fingerprint="g", at=NOW + 60_000))

    assert second.fresh
    assert second.record.turn_id != first.record.turn_id


async def test_an_expired_session_starts_again_and_keeps_its_branches(
    records: SqlRecords, journal: SqlJournal
) -> None:
    first = await records.start(new_turn(ttl_s=10))
    await journal.finish(outcome(first, at=NOW + 5_000))
    alive = await records.start(new_turn(at=NOW + 14_999, ttl_s=10))
    await journal.finish(outcome(alive, at=NOW + 15_000))
    late = await records.start(new_turn(at=NOW + 25_000, ttl_s=10))

    assert not alive.new_session
    assert late.new_session
    asked = await records.message("ann", input_message_id(late.record.turn_id))
    assert asked.parent_id is None
    assert len(await records.path("ann", "s_1", answer_message_id(first.record.turn_id))) == 2


async def test_a_session_with_a_turn_under_way_does_not_expire(records: SqlRecords) -> None:
    await records.start(new_turn(ttl_s=1))
    late = await records.start(new_turn(at=NOW + 60_000))

    assert not late.new_session


async def test_unknown_sessions_and_leaves_have_no_path(records: SqlRecords) -> None:
    await records.start(new_turn())

    assert await records.path("ann", "s_none", None) == []
    assert await records.path("ann", "s_1", "msg_none") == []


async def test_unfinished_turns_come_with_all_held_events(
    records: SqlRecords, journal: SqlJournal
) -> None:
    ended = await records.start(new_turn("s_0"))
    started = [await records.start(new_turn(f"s_{i}")) for i in (1, 2)]
    for number, turn in enumerate(started):
        journal.append(turn.record.turn_id, deltas(1, *"abc"[: number + 1]))
    await journal.finish(outcome(ended))

    found = await records.unfinished()
    assert [u.record.turn_id for u in found] == [s.record.turn_id for s in started]
    assert [[s.n for s in u.events] for u in found] == [[0, 1], [0, 1, 2]]


async def test_who_wanted_a_turn_to_stop_first_is_remembered(
    records: SqlRecords, journal: SqlJournal
) -> None:
    first, second = [await records.start(new_turn(f"s_{i}")) for i in (1, 2)]
    turn_id = first.record.turn_id
    assert await records.to_stop() == []

    assert await records.stop("ann", turn_id, "client") == first.record
    await records.stop("ann", turn_id, "admin")
    assert await records.to_stop() == [(turn_id, "client")]
    with pytest.raises(NotFound):
        await records.stop("bob", second.record.turn_id, "client")
    await journal.finish(outcome(first, aborted=True))

    assert (await records.stop("ann", turn_id, "late")).status == "aborted"
    assert await records.to_stop() == []


async def test_an_interrupting_turn_wants_those_ahead_to_stop(records: SqlRecords) -> None:
    ahead = [await records.start(new_turn()) for _ in range(2)]
    await records.start(new_turn("s_2"))
    await records.start(new_turn(on_busy="interrupt"))

    assert await records.to_stop() == [(t.record.turn_id, "interrupt") for t in ahead]


async def test_what_has_ended_is_told_at_once_for_many(
    records: SqlRecords, journal: SqlJournal
) -> None:
    ended, running = [await records.start(new_turn(f"s_{i}")) for i in (1, 2)]
    await journal.finish(outcome(ended))
    asked = [ended.record.turn_id, running.record.turn_id, "t_none"]

    assert await records.ended("ann", asked) == {ended.record.turn_id, "t_none"}
    assert await records.ended("bob", asked) == set(asked)
    assert await records.ended("ann", []) == set()


async def test_the_turns_under_way_in_a_session_are_its_owners(
    records: SqlRecords, journal: SqlJournal
) -> None:
    first, second = [await records.start(new_turn()) for _ in range(2)]
    for other in (new_turn("s_2"), new_turn(owner="bob")):
        await records.start(other)

    ids = [first.record.turn_id, second.record.turn_id]
    assert await records.under_way("ann", "s_1") == ids
    await journal.finish(outcome(first))
    assert await records.under_way("ann", "s_1") == ids[1:]
    assert await records.under_way("ann", "s_3") == []


async def test_a_turn_that_is_not_kept_leaves_its_session_as_it_is(
    records: SqlRecords, journal: SqlJournal
) -> None:
    waited_for = await records.start(new_turn())
    context = (text_message("", "user", "Never kept"),)
    new = new_turn(text="")
    request = replace(new.request, context=context, keep=False)
    apart = await records.start(replace(new, request=request))
    behind = await records.start(new_turn())

    assert (apart.ahead, apart.record.status) == ((), "running")
    assert behind.ahead == (waited_for.record.turn_id,)
    event = apart.events[0].event
    assert isinstance(event, TurnStarted)
    assert (event.request, event.parent_id) == (request, None)
    await journal.finish(replace(outcome(apart), messages=()))
    with pytest.raises(NotFound):
        await records.message("ann", answer_message_id(new.turn_id))
    assert [each.message.text for each in await records.path("ann", "s_1", None)] == []


async def test_what_a_context_holds_is_in_no_row_of_the_turn(
    records: SqlRecords, database: AnyDatabase
) -> None:
    new = new_turn()
    context = (text_message("", "user", "Never kept"),)
    await records.start(replace(new, request=replace(new.request, context=context)))

    rows = await database.read(lambda c: c.exec_driver_sql("SELECT * FROM turns").fetchall())
    assert "Never kept" not in str(rows)
