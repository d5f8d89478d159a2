"""Lists of sessions, newest activity first: in pages, by label, text and archive."""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import event, insert

from talkwire.canon.sessions import NewSession, Session, SessionsAsked, Whose
from talkwire.canon.turn import Message, TextPart
from talkwire.stores import editing, listing, sessions
from talkwire.stores.schema import sessions as table
from tests.contracts.turn_values import NOW
from tests.databases import AnyDatabase

ALL = SessionsAsked(Whose("ann"), limit=100)
_ids = itertools.count()


async def made(
    database: AnyDatabase, session_id: str, *said: str, at: int = NOW, **more: Any
) -> Session:
    """A session with a branch of messages."""
    given = {"owner": "ann", "ttl_ms": 60_000, **more}
    new = NewSession(session_id=session_id, at=at, **given)

    def store(connection: Any) -> Session:
        stored = editing.create(connection, new)
        batch = [Message(f"m_{next(_ids)}", "user", (TextPart(text),)) for text in said]
        leaf = sessions.chain(
            connection,
            batch,
            owner=new.owner,
            session_id=session_id,
            parent_id=None,
            turn_id="t",
            at=at,
        )
        if leaf is not None:
            sessions.move(connection, new.owner, session_id, leaf, at)
        return stored

    return await database.write(store)


async def found(database: AnyDatabase, asked: SessionsAsked, now: int = NOW) -> list[str]:
    rows = await database.read(lambda c: listing.page(c, asked, now))
    return [row.session_id for row in rows]


async def test_they_come_by_activity_with_all_that_is_told_of_them(database: AnyDatabase) -> None:
    await made(database, "old", at=NOW - 5)
    await made(database, "b", "x" * 999)
    await made(
        database,
        "a",
        title="Holidays",
        label="u1",
        agent="guide",
        prompt="default@2",
        metadata={"k": [1, None, "你"]},
    )
    await made(database, "theirs", owner="bob")

    rows = await database.read(lambda c: listing.page(c, ALL, NOW))

    assert [row.session_id for row in rows] == ["b", "a", "old"]
    assert rows[0].last == "x" * 200
    assert rows[1] == Session(
        "a",
        "ann",
        NOW,
        NOW,
        NOW + 60_000,
        title="Holidays",
        label="u1",
        agent="guide",
        prompt="default@2",
        metadata={"k": [1, None, "你"]},
    )


async def test_pages_are_all_of_it_once_while_others_come_in(database: AnyDatabase) -> None:
    for n in range(7):
        await made(database, f"s{n}", at=NOW + n // 3)
    asked = replace(ALL, limit=2)
    seen: list[str] = []
    while rows := await database.read(partial(listing.page, asked=asked, now=NOW)):
        seen += [row.session_id for row in rows]
        await made(database, f"new{len(seen)}", at=NOW + 100)
        last = rows[-1]
        asked = replace(asked, after=(last.updated_at, last.session_id, last.owner))

    assert seen == ["s6", "s5", "s4", "s3", "s2", "s1", "s0"]


async def test_labels_archives_and_expiry_narrow_a_list(database: AnyDatabase) -> None:
    await made(database, "a", label="u1")
    await made(database, "b", label="u2")
    await made(database, "c", label="u1", owner="bob")
    await made(database, "d", owner="u1")
    await made(database, "gone", at=NOW - 9, ttl_ms=5)
    await database.write(lambda c: editing.archive(c, "ann", ["b"], True, NOW))

    assert await found(database, ALL) == ["a"]
    assert await found(database, replace(ALL, archived=True)) == ["b"]
    assert await found(database, replace(ALL, archived=None)) == ["b", "a"]
    assert await found(database, replace(ALL, whose=Whose("ann", "u1"))) == ["a"]
    assert await found(database, replace(ALL, whose=Whose(None, "u1"))) == ["d", "c", "a"]
    with pytest.raises(ValueError, match="somebody"):
        await found(database, replace(ALL, whose=Whose(None)))


FOUND = {
    "HOLIDAY": ["t"],
    "straSSe": ["m"],
    "订单": ["z"],
    "ÉCOLE": ["m"],
    "100%": ["p"],
    "a_b": ["p"],
    "100/": [],
    "\\": ["p"],
    "role": [],
    "parts": [],
    "t1": [],
    "'; DROP TABLE sessions; --": [],
    "a\0b": ["n"],
    "hidden": [],
}


async def test_words_are_found_in_titles_and_texts_alone(database: AnyDatabase) -> None:
    await made(database, "t", title="Holidays in May")
    await made(database, "m", "école, Straße 5")
    await made(database, "z", "我的订单在哪里？")
    await made(database, "p", "100% of A_B \\ c", "100 of aXb")
    await made(database, "n", "a\0b")
    await made(database, "theirs", "hidden", owner="bob")

    told = {text: await found(database, replace(ALL, text=text)) for text in FOUND}
    assert told == FOUND


async def test_a_list_is_one_range_of_an_index(database: AnyDatabase) -> None:
    if database.partitioned:
        pytest.skip("its planner goes by the number of rows")
    await database.write(
        lambda c: c.execute(
            insert(table),
            [
                {
                    "owner": owner,
                    "id": f"s{n}",
                    "created_at": n,
                    "updated_at": n,
                    "ttl_ms": 1,
                    "expires_at": NOW,
                }
                for owner in ("ann", "bob")
                for n in range(50)
            ],
        )
    )
    plans: list[str] = []

    def explained(connection: Any) -> None:
        def before(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            driver = connection.connection.dbapi_connection
            rows = driver.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(row[3] for row in rows)

        event.listen(connection, "before_cursor_execute", before)
        asked = replace(ALL, after=(20, "s20", "ann"), limit=5)
        assert len(listing.page(connection, asked, NOW - 1)) == 5
        event.remove(connection, "before_cursor_execute", before)

    await database.read(explained)

    assert any("ix_sessions_recent (owner=? AND" in plan for plan in plans), plans
    assert not any(plan.startswith("SCAN") or "TEMP B-TREE" in plan for plan in plans), plans
