"""A session is deleted whole, on both databases, and whatever races with it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, event, func, select

from talkwire.canon.errors import Busy, NotFound
from talkwire.canon.records import Started, ToolResult
from talkwire.canon.sessions import Deleted
from talkwire.canon.turn import input_message_id
from talkwire.journals.sql import SqlJournal
from talkwire.stores import deleting
from talkwire.stores.conversations import SqlConversations
from talkwire.stores.outcomes import write_outcome
from talkwire.stores.results import SqlResults
from talkwire.stores.schema import metadata, sessions, turns, usage
from talkwire.stores.turns import SqlRecords
from tests.contracts.turn_values import Listener, asks, deltas, new_turn, outcome
from tests.databases import Another, AnyDatabase, node_of

KEPT = {"usage", "nodes"}


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def journal(database: AnyDatabase) -> SqlJournal:
    return SqlJournal(database, write_outcome)


@pytest.fixture
def conversations(database: AnyDatabase) -> SqlConversations:
    return SqlConversations(database)


def _rows(connection: Connection) -> dict[str, str]:
    """All rows of each table that has some, as text."""
    found = {}
    for name, table in metadata.tables.items():
        if rows := connection.execute(select(table)).fetchall():
            found[name] = repr(rows)
    return found


async def rows(database: AnyDatabase) -> dict[str, str]:
    return await database.read(_rows)


async def ended(
    records: SqlRecords, journal: SqlJournal, *, owner: str = "ann", text: str = "Hi"
) -> Started:
    """A turn that has something in every table that a session has rows in."""
    started = await records.start(
        new_turn(owner=owner, text=text, at=now_ms(), key=f"key-{owner}-{text}")
    )
    turn_id, said, tail = started.record.turn_id, deltas(1, text), Listener()
    journal.attach(turn_id, tail)
    journal.append(turn_id, said)
    await tail.reach(2)
    await journal.finish(outcome(started, said, text=text, at=now_ms()))
    return started


async def asked(records: SqlRecords, journal: SqlJournal, call_id: str) -> Started:
    started = await records.start(new_turn(at=now_ms()))
    await journal.finish(asks(started, call_id, until=now_ms() + 60_000, at=now_ms()))
    return started


async def test_all_of_a_session_goes_but_what_it_has_used(
    database: AnyDatabase,
    records: SqlRecords,
    journal: SqlJournal,
    conversations: SqlConversations,
) -> None:
    first = await ended(records, journal, text="canary")
    second = await asked(records, journal, "c_1")
    long = ToolResult("c_1", "s_1", second.record.turn_id, "sell", "canary", False, now_ms())
    await SqlResults(database).keep("ann", long)
    before = await rows(database)
    assert set(before) - KEPT >= {
        "sessions",
        "messages",
        "turns",
        "turn_logs",
        "turn_events",
        "approvals",
        "tool_results",
        "idempotency",
    }

    turn_ids = [first.record.turn_id, second.record.turn_id]
    assert await conversations.delete("ann", "s_1") == turn_ids

    after = await rows(database)
    assert set(after) == KEPT
    assert (after["usage"], after["nodes"]) == (before["usage"], before["nodes"])
    assert not [name for name, text in after.items() if "canary" in text]
    for turn_id in turn_ids:
        assert await journal.read(turn_id, 0) == []
        with pytest.raises(NotFound):
            await records.turn("ann", turn_id)


async def test_what_is_anothers_or_in_another_session_stays(
    database: AnyDatabase,
    records: SqlRecords,
    journal: SqlJournal,
    conversations: SqlConversations,
) -> None:
    theirs = await ended(records, journal, owner="bob", text="theirs")
    await records.start(new_turn("s_2", text="running", at=now_ms()))
    before = await rows(database)
    await ended(records, journal, text="mine")

    await conversations.delete("ann", "s_1")

    after = await rows(database)
    assert "mine" not in repr(after)
    assert {name: after[name] for name in before if name != "usage"} == {
        name: before[name] for name in before if name != "usage"
    }
    assert len(await records.path("bob", "s_1", f"msg_{theirs.record.turn_id}")) == 2


async def test_unknown_foreign_and_deleted_ones_are_not_there(
    records: SqlRecords, journal: SqlJournal, conversations: SqlConversations
) -> None:
    await ended(records, journal)
    told = []
    for owner, session_id in (("bob", "s_1"), ("ann", "s_9")):
        with pytest.raises(NotFound) as unknown:
            await conversations.delete(owner, session_id)
        told.append(unknown.value.message)
    assert (await conversations.session("ann", "s_1")).messages == 2

    await conversations.delete("ann", "s_1")

    with pytest.raises(NotFound) as again:
        await conversations.delete("ann", "s_1")
    assert {*told, again.value.message} == {again.value.message}


async def test_an_expired_session_can_still_be_deleted(
    database: AnyDatabase, records: SqlRecords, journal: SqlJournal, conversations: SqlConversations
) -> None:
    started = await records.start(new_turn(at=now_ms() - 10_000, ttl_s=1))
    await journal.finish(outcome(started, at=now_ms() - 9_000))
    with pytest.raises(NotFound):
        await conversations.session("ann", "s_1")

    await conversations.delete("ann", "s_1")

    assert set(await rows(database)) == KEPT


@pytest.mark.parametrize("waits", [False, True])
async def test_nothing_goes_while_a_turn_has_not_ended(
    database: AnyDatabase,
    records: SqlRecords,
    journal: SqlJournal,
    conversations: SqlConversations,
    waits: bool,
) -> None:
    await ended(records, journal)
    running = await records.start(new_turn(at=now_ms()))
    if waits:
        await records.start(new_turn(at=now_ms()))
    before = await rows(database)

    with pytest.raises(Busy) as busy:
        await conversations.delete("ann", "s_1")

    assert busy.value.turn_id == running.record.turn_id
    assert await rows(database) == before


async def test_a_turn_that_is_not_kept_goes_with_the_session_it_names(
    database: AnyDatabase, records: SqlRecords, journal: SqlJournal, conversations: SqlConversations
) -> None:
    new = new_turn(text="", at=now_ms())
    apart = await records.start(replace(new, request=replace(new.request, keep=False)))
    with pytest.raises(Busy):
        await conversations.delete("ann", "s_1")
    await journal.finish(replace(outcome(apart), messages=()))

    assert await conversations.delete("ann", "s_1") == [new.turn_id]

    assert set(await rows(database)) == KEPT


async def test_the_same_names_begin_afresh(
    records: SqlRecords, journal: SqlJournal, conversations: SqlConversations
) -> None:
    first = await ended(records, journal)
    await conversations.delete("ann", "s_1")

    again = await ended(records, journal)

    assert (again.fresh, again.new_session) == (True, True)
    assert again.record.turn_id != first.record.turn_id
    asked_for = await records.message("ann", input_message_id(again.record.turn_id))
    assert asked_for.parent_id is None
    with pytest.raises(NotFound):
        await records.start(new_turn(parent_id=input_message_id(first.record.turn_id)))


async def test_a_session_of_more_turns_than_a_statement_takes_goes_whole(
    database: AnyDatabase,
    records: SqlRecords,
    journal: SqlJournal,
    conversations: SqlConversations,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deleting, "_AT_ONCE", 2)
    for number in range(5):
        await ended(records, journal, text=f"turn {number}")

    assert len(await conversations.delete("ann", "s_1")) == 5

    assert set(await rows(database)) == KEPT


async def test_events_of_others_between_its_own_stay(
    records: SqlRecords, journal: SqlJournal, conversations: SqlConversations
) -> None:
    other = await records.start(new_turn("s_2", at=now_ms()))
    tail = Listener()
    journal.attach(other.record.turn_id, tail)
    await ended(records, journal)
    said = deltas(1, "before", "and", "after")
    for stamped in said:
        journal.append(other.record.turn_id, [stamped])
        await tail.reach(stamped.n + 1)

    await conversations.delete("ann", "s_1")

    assert await journal.read(other.record.turn_id, 0) == [*other.events, *said]


def _orphans(connection: Connection) -> tuple[int, int]:
    """Turns without their session, and sessions."""
    theirs = (sessions.c.owner == turns.c.owner) & (sessions.c.id == turns.c.session_id)
    alone = select(func.count()).select_from(turns).where(~select(1).where(theirs).exists())
    there = select(func.count()).select_from(sessions)
    return connection.execute(alone).scalar_one(), connection.execute(there).scalar_one()


async def test_a_start_comes_before_a_deletion_or_after_it_on_whatever_node(
    make: Another, database: AnyDatabase, records: SqlRecords, journal: SqlJournal
) -> None:
    """SQLite serves one process: both are its own there."""
    other, node = database, "n"
    if database.partitioned:
        other = make()
        await other.open()
        nodes = node_of(other)
        await nodes.join()
        node = nodes.node
    elsewhere = SqlRecords(other, lambda: node)
    here = SqlConversations(database)
    came = set()
    for number in range(40):
        await ended(records, journal)
        race: list[Awaitable[object]] = [
            elsewhere.start(new_turn(at=now_ms())),
            here.delete("ann", "s_1"),
        ]
        order = 1 if number % 2 else -1
        done = await asyncio.gather(*race[::order], return_exceptions=True)
        started, deleted = done[::order]
        assert isinstance(started, Started)
        came.add("before" if isinstance(deleted, Busy) else "after")
        assert isinstance(deleted, Busy | list)
        assert started.new_session == isinstance(deleted, list)
        assert await database.read(_orphans) == (0, 1)
        await SqlJournal(other, write_outcome).finish(outcome(started, at=now_ms()))
        await here.delete("ann", "s_1")
        assert await database.read(_orphans) == (0, 0)
    assert came == {"before", "after"} or database.partitioned
    counted = await database.read(lambda c: c.execute(select(func.count(usage.c.id))).scalar_one())
    assert counted == 80
    if other is not database:
        await other.close()


async def test_of_deletions_at_once_one_wins(
    records: SqlRecords, journal: SqlJournal, conversations: SqlConversations
) -> None:
    started = await ended(records, journal)

    race = [conversations.delete("ann", "s_1") for _ in range(5)]
    results = await asyncio.gather(*race, return_exceptions=True)

    assert results.count([started.record.turn_id]) == 1
    assert sum(isinstance(each, NotFound) for each in results) == 4


async def test_many_are_deleted_in_a_few_statements_but_where_a_turn_runs(
    database: AnyDatabase, records: SqlRecords, journal: SqlJournal, conversations: SqlConversations
) -> None:
    for n in range(40):
        started = await records.start(new_turn(f"s{n}", at=now_ms()))
        await journal.finish(outcome(started, at=now_ms()))
    await records.start(new_turn("s0", at=now_ms()))
    await records.start(new_turn("s1", owner="bob", at=now_ms()))
    asked: list[str] = []

    def counted(connection: Connection) -> object:
        def before(_c: object, _cursor: object, statement: str, *_: object) -> None:
            asked.append(statement)

        event.listen(connection, "before_cursor_execute", before)
        ids = [*(f"s{n}" for n in range(40)), "none"]
        told = deleting.delete_sessions(connection, "ann", ids)
        event.remove(connection, "before_cursor_execute", before)
        return told

    told = await database.write(counted)
    left = await conversations.delete_many("ann", ["s0", "none"])

    assert isinstance(told, Deleted)
    assert told.busy == frozenset({"s0"})
    assert (len(told.gone), len(told.turn_ids)) == (39, 39)
    assert len(asked) == 10
    assert left == Deleted((), frozenset(), frozenset({"s0"}))
    kept = await rows(database)
    assert not any("'s5'" in text for name, text in kept.items() if name not in KEPT)
    assert "'bob'" in kept["turns"]
