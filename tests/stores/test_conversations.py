"""What an owner has talked about, on both databases."""

from __future__ import annotations

import time

import pytest

from talkwire.canon.errors import NotFound
from talkwire.canon.fold import answer_message_id, input_message_id
from talkwire.journals.sql import SqlJournal
from talkwire.stores.conversations import LAST_CHARS, SqlConversations
from talkwire.stores.database import Database
from talkwire.stores.outcomes import write_outcome
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
