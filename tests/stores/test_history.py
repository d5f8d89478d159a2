"""A branch in pages, however long, on both databases."""

from __future__ import annotations

from functools import partial

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, insert, update

from talkwire.canon.errors import NotFound
from talkwire.canon.records import Usage
from talkwire.canon.sessions import HistoryAsked, HistoryPage, NewSession
from talkwire.canon.turn import TextPart, answer_message_id, input_message_id, text_message
from talkwire.journals.sql import SqlJournal
from talkwire.stores import editing, history, sessions
from talkwire.stores.outcomes import write_outcome
from talkwire.stores.schema import messages
from talkwire.stores.sessions import PATH_LIMIT
from talkwire.stores.turns import SqlRecords
from tests.contracts.turn_values import NOW, new_turn, outcome
from tests.databases import AnyDatabase

LONG = PATH_LIMIT + 100


def grow(connection: Connection, first: int, count: int) -> str | None:
    """Messages in a row, of which the last is the leaf."""
    batch = [text_message(f"m_{n}", "user", str(n)) for n in range(first, first + count)]
    leaf = sessions.chain(
        connection,
        batch,
        owner="ann",
        session_id="s_1",
        parent_id=None,
        turn_id="t",
        at=NOW,
    )
    assert leaf is not None
    sessions.move(connection, "ann", "s_1", leaf, NOW)
    return leaf


async def page(
    database: AnyDatabase, asked: HistoryAsked, owner: str = "ann", now: int = NOW
) -> HistoryPage:
    return await database.read(lambda c: history.page(c, owner, "s_1", asked, now))


async def test_a_long_branch_is_read_whole_and_stays_the_same_meanwhile(
    database: AnyDatabase,
) -> None:
    await database.write(lambda c: editing.create(c, NewSession("s_1", "ann", NOW, 1000)))
    assert await page(database, HistoryAsked(5)) == HistoryPage((), None, 0)
    leaf = await database.write(lambda c: grow(c, 0, LONG))
    seen: list[str] = []
    asked = HistoryAsked(200)
    while len(seen) < LONG:
        got = await page(database, asked)
        seen += [entry.stored.message.text for entry in got.entries]
        assert (got.leaf, got.total) == (leaf, LONG)
        asked = HistoryAsked(200, leaf=got.leaf, position=len(seen))
        other = LONG + len(seen)  # another branch, as of an edit
        await database.write(partial(grow, first=other, count=1))

    assert seen == [str(n) for n in range(LONG)]
    assert (await page(database, HistoryAsked(5))).total == 1
    assert (await page(database, asked)).entries == ()


async def test_messages_are_told_with_what_their_turn_was(
    database: AnyDatabase, records: SqlRecords
) -> None:
    journal = SqlJournal(database, write_outcome)
    asked = new_turn()
    started = await records.start(
        replace(asked, request=replace(asked.request, agent="guide", metadata='{"a":1}'))
    )
    await journal.finish(outcome(started, aborted=True))
    turn_id = asked.turn_id

    question, answer = (await page(database, HistoryAsked(9))).entries

    assert question.stored.message.id == input_message_id(turn_id)
    assert answer.stored.message.id == answer_message_id(turn_id)
    assert (question.agent, answer.agent) == ("guide", "guide")
    assert (question.usage, answer.usage) == (None, Usage(3, 5, estimated=True, cost=0.5))
    assert answer.status == "aborted"
    assert (question.metadata, answer.metadata) == ('{"a":1}', "")
    assert answer.stored.message.parts == (TextPart("Hello"),)
    for owner, now in (("bob", NOW), ("ann", NOW + 10**9)):
        with pytest.raises(NotFound):
            await page(database, HistoryAsked(9), owner, now)


async def test_a_foreign_leaf_leads_nowhere_and_a_loop_ends(
    database: AnyDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MOST", 50)
    row = {"turn_id": "t", "payload": '{"id":"x","role":"user"}', "created_at": 1}
    rows = [
        {"id": "a", "parent_id": "b", "owner": "ann", "session_id": "s_1", **row},
        {"id": "b", "parent_id": "a", "owner": "ann", "session_id": "s_1", **row},
        {"id": "c", "parent_id": None, "owner": "bob", "session_id": "s_1", **row},
    ]
    await database.write(lambda c: editing.create(c, NewSession("s_1", "ann", NOW, 1000)))
    await database.write(lambda c: c.execute(insert(messages), rows).close())

    assert (await page(database, HistoryAsked(9, leaf="c"))).entries == ()
    assert (await page(database, HistoryAsked(9, leaf="a"))).total == 50
    await database.write(
        lambda c: c.execute(update(messages).where(messages.c.id == "b").values(parent_id="c"))
    )
    assert [
        e.stored.parent_id for e in (await page(database, HistoryAsked(9, leaf="a"))).entries
    ] == [
        "c",
        "b",
    ]
