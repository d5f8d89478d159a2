"""What an owner has talked about, on both databases."""

from __future__ import annotations

import time

import pytest
from msgspec.structs import replace

from talkwire.canon.errors import NotFound
from talkwire.canon.records import SessionDetail
from talkwire.canon.scenarios import Scene
from talkwire.canon.turn import answer_message_id, input_message_id
from talkwire.journals.sql import SqlJournal
from talkwire.stores.conversations import SqlConversations
from talkwire.stores.database import Database
from talkwire.stores.outcomes import write_outcome
from talkwire.stores.session_rows import LAST_CHARS
from talkwire.stores.turns import SqlRecords
from tests.contracts.turn_values import new_turn, outcome


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def test_sessions_come_by_their_last_use_page_by_page_and_to_their_owner_alone(
    database: Database, records: SqlRecords
) -> None:
    at = now_ms()
    for number, name in enumerate(("a", "b", "c", "d")):
        await records.start(new_turn(name, at=at + min(number, 2), text=f"to {name}"))
    await records.start(new_turn("e", at=at, owner="bob"))
    conversations = SqlConversations(database)

    first = await conversations.sessions("ann", limit=3)
    last = first[-1]
    rest = await conversations.sessions("ann", limit=3, before=(last.updated_at, last.session_id))

    assert [each.session_id for each in first] == ["d", "c", "b"]  # equal times: by id
    assert [each.session_id for each in rest] == ["a"]
    assert await conversations.sessions("eve", limit=3) == []


async def test_an_expired_session_is_not_listed(database: Database, records: SqlRecords) -> None:
    await records.start(new_turn(at=now_ms() - 10_000, ttl_s=5))

    assert await SqlConversations(database).sessions("ann", limit=9) == []


async def test_messages_are_read_from_the_end_in_pages(
    database: Database, records: SqlRecords
) -> None:
    journal = SqlJournal(database, write_outcome)
    ids: list[str] = []
    for _ in range(2):
        at = now_ms()
        started = await records.start(new_turn(at=at))
        await journal.finish(outcome(started, text="x" * 999, at=at))
        turn_id = started.record.turn_id
        ids += [input_message_id(turn_id), answer_message_id(turn_id)]
    conversations = SqlConversations(database)

    page = await conversations.messages("ann", "s_1", limit=3)
    rest = await conversations.messages("ann", "s_1", limit=3, leaf=page[0].parent_id)

    assert [each.message.id for each in [*rest, *page]] == ids
    assert (await conversations.sessions("ann", limit=1))[0].last == "x" * LAST_CHARS
    for owner, session_id in (("bob", "s_1"), ("ann", "s_2")):
        with pytest.raises(NotFound):
            await conversations.messages(owner, session_id, limit=3)
    with pytest.raises(NotFound):
        await conversations.messages("bob", "s_1", limit=3, leaf=ids[0])


async def test_a_session_is_told_with_what_is_in_it(
    database: Database, records: SqlRecords
) -> None:
    journal = SqlJournal(database, write_outcome)
    at = now_ms()
    first = await records.start(new_turn(at=at))
    await journal.finish(outcome(first, at=at + 1))
    aborted = await records.start(new_turn(at=at + 2))
    await journal.finish(outcome(aborted, aborted=True, at=at + 3))
    await records.start(new_turn(at=at + 4))
    await records.start(new_turn(at=at + 5, ttl_s=90))
    await records.start(new_turn(at=at, owner="bob"))

    told = await SqlConversations(database).session("ann", "s_1")

    turns = {"completed": 1, "aborted": 1, "running": 1, "queued": 1}
    assert told == SessionDetail("s_1", None, at, at + 5, at + 90_005, 6, {**told.turns})
    assert told.turns == turns


async def test_a_session_is_where_its_branch_has_a_scene_last(
    database: Database, records: SqlRecords
) -> None:
    journal, conversations = SqlJournal(database, write_outcome), SqlConversations(database)
    scenes = [Scene("Orders", "1 Late"), Scene("Payments"), None]
    for scene in scenes:
        at = now_ms()
        started = await records.start(new_turn(at=at))
        end = outcome(started, at=at)
        answer = replace(end.messages[-1], scene=scene)
        await journal.finish(replace(end, messages=(answer,)))
    last = await conversations.session("ann", "s_1")

    root = await records.start(new_turn(at=now_ms(), parent_id=""))
    await journal.finish(outcome(root, at=now_ms()))
    elsewhere = await conversations.session("ann", "s_1")

    assert (last.category, last.subcategory) == ("Payments", None)
    assert (elsewhere.category, elsewhere.subcategory) == (None, None)
    assert elsewhere.messages == 8


async def test_what_is_no_session_of_ones_own_is_alike(
    database: Database, records: SqlRecords
) -> None:
    await records.start(new_turn("old", at=now_ms() - 10_000, ttl_s=5))
    await records.start(new_turn("theirs", at=now_ms(), owner="bob"))
    told = set()
    for session_id in ("old", "theirs", "none"):
        with pytest.raises(NotFound) as missing:
            await SqlConversations(database).session("ann", session_id)
        told.add((missing.value.message, missing.value.param))

    assert len(told) == 1
