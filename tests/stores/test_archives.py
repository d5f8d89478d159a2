"""What is taken out and brought in again is the same, and nothing else is touched."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace
from sqlalchemy import Connection, select

from talkwire.canon.errors import NotFound
from talkwire.canon.sessions import Archive, ArchivedMessage, HistoryAsked
from talkwire.canon.turn import Call, Message, TextPart
from talkwire.engine.ids import new_id
from talkwire.journals.sql import SqlJournal
from talkwire.stores import archives, history, sqlite
from talkwire.stores.outcomes import write_outcome
from talkwire.stores.schema import messages, sessions
from talkwire.stores.turns import SqlRecords
from tests import trees
from tests.contracts.turn_values import NOW, new_turn, outcome
from tests.databases import AnyDatabase

SMALL = Archive(
    "s_1",
    NOW - 9,
    NOW - 5,
    (
        ArchivedMessage(Message("", "user", (TextPart("Hi\0"),)), None, 0, NOW - 9),
        ArchivedMessage(Message("", "assistant", (), (Call("c", "f", "{}"),)), 0, 0, NOW - 8),
        ArchivedMessage(Message("", "tool", (TextPart("1"),), call_id="c"), 1, 0, NOW - 8),
        ArchivedMessage(Message("", "assistant", (TextPart("One"),)), 2, 0, NOW - 8),
        ArchivedMessage(Message("", "assistant", (TextPart("1!"),)), 0, 1, NOW - 7),
        ArchivedMessage(Message("", "user", (TextPart("And?"),)), 4, 2, NOW - 6),
    ),
    leaf=4,
    title="A title",
    label="u1",
    metadata={"a": [1.5, "ß"]},
    archived=True,
)


def bring(connection: Connection, owner: str, given: Archive) -> str:
    fresh = new_id("s_")
    made = archives.bring(connection, owner, given, fresh=fresh, now=NOW, ttl_ms=1000)
    return made.session_id


def there_and_back(connection: Connection, owner: str, given: Archive) -> Archive:
    return archives.take(connection, owner, bring(connection, owner, given), NOW)


async def test_an_archive_comes_back_as_it_went_beside_the_first_as_well(
    database: AnyDatabase,
) -> None:
    first = await database.write(lambda c: there_and_back(c, "ann", SMALL))
    second = await database.write(lambda c: there_and_back(c, "ann", SMALL))
    theirs = await database.write(lambda c: there_and_back(c, "bob", SMALL))

    assert first == theirs == SMALL
    assert second.session_id != "s_1"
    assert replace(second, session_id="s_1") == SMALL
    sizes = await database.read(
        lambda c: archives.sizes(c, "ann", ["s_1", second.session_id, "none"], NOW)
    )
    assert set(sizes) == {"s_1", second.session_id}
    assert min(sizes.values()) > 100
    with pytest.raises(NotFound):
        await database.read(lambda c: archives.take(c, "bob", second.session_id, NOW))


async def test_what_was_said_here_is_taken_out_and_goes_on_elsewhere(
    database: AnyDatabase, records: SqlRecords
) -> None:
    journal = SqlJournal(database, write_outcome)
    await journal.finish(outcome(await records.start(new_turn(text="First"))))
    branch = await records.start(new_turn(text="Other", parent_id="", at=NOW + 5))
    await journal.finish(outcome(branch, text="Yes", at=NOW + 6))
    running = await records.start(new_turn(text="Runs", at=NOW + 7))
    await records.start(new_turn(text="Waits for it", at=NOW + 8))
    taken = await database.read(lambda c: archives.take(c, "ann", "s_1", NOW + 9))

    texts = [(m.message.text, m.parent, m.turn) for m in taken.messages]
    assert texts == [
        ("First", None, 0),
        ("Hello", 0, 0),
        ("Other", None, 1),
        ("Yes", 2, 1),
        ("Runs", 3, 2),
    ]
    assert taken.leaf == 3
    await journal.finish(outcome(running, at=NOW + 9))

    await database.write(lambda c: bring(c, "bob", taken))
    go_on = new_turn(owner="bob", text="Go on")
    await journal.finish(outcome(await records.start(go_on)))
    path = await records.path("bob", "s_1", f"msg_{go_on.turn_id}")
    assert [each.message.text for each in path] == ["Other", "Yes", "Go on", "Hello"]
    assert await records.message("bob", path[1].message.id) == path[1]


def test_ids_are_those_of_turns_and_follow_their_order() -> None:
    seed = new_id("")
    ids = archives.message_ids(SMALL.messages, seed)

    turn = f"t_{seed[:20]}00000"
    assert ids == [
        (f"{turn}0", f"msg_{turn}0_in"),
        (f"{turn}0", f"msg_{turn}0_1"),
        (f"{turn}0", f"msg_{turn}0_2"),
        (f"{turn}0", f"msg_{turn}0"),
        (f"{turn}1", f"msg_{turn}1"),
        (f"{turn}2", f"msg_{turn}2_in"),
    ]
    assert len({len(turn_id) for turn_id, _ in ids} | {28}) == 1


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    path: Path = tmp_path_factory.mktemp("archives") / "talkwire.db"
    connection = sqlite.connect(sqlite.engine(path), migrate=True)
    yield connection
    connection.close()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(trees.archives())
def test_every_tree_comes_back_as_it_went(connection: Connection, given: Archive) -> None:
    back = there_and_back(connection, "ann", given)
    again = there_and_back(connection, "ann", back)

    assert replace(back, session_id="") == replace(given, session_id="")
    assert replace(again, session_id="") == replace(given, session_id="")


def test_the_branch_of_the_leaf_is_what_was_current(connection: Connection) -> None:
    session_id = bring(connection, "eve", SMALL)
    page = history.page(connection, "eve", session_id, HistoryAsked(9), NOW)
    stored: Any = connection.execute(select(sessions.c.leaf).where(sessions.c.owner == "eve"))

    assert [entry.stored.message.text for entry in page.entries] == ["Hi\0", "1!"]
    assert page.leaf == stored.scalar_one()
    found = connection.execute(
        select(messages.c.folded).where(messages.c.owner == "eve").order_by(messages.c.id)
    ).scalars()
    assert "hi " in set(found)


async def test_of_two_that_bring_the_same_at_once_one_gets_a_new_id(
    database: AnyDatabase,
) -> None:
    lock = ("session/ann/s_1",)
    race = [database.write(lambda c: bring(c, "ann", SMALL), locks=lock) for _ in range(4)]

    ids = await asyncio.gather(*race)

    assert len(set(ids)) == 4
    assert "s_1" in ids
