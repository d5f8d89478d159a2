"""Sessions are made and changed by their owners alone; on both databases."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection

from talkwire.canon.errors import NotFound
from talkwire.canon.sessions import NewSession, Session, SessionChange
from talkwire.stores import editing, session_rows
from tests.contracts.turn_values import NOW
from tests.databases import AnyDatabase


def change(connection: Connection, asked: tuple[str, str, SessionChange, int]) -> Session:
    return editing.change(connection, *asked)


NEW = NewSession("s1", "ann", NOW, 1000, title="T", agent="guide", prompt="p", metadata={"a": 1})


async def test_what_is_not_set_stays_and_null_clears(database: AnyDatabase) -> None:
    first = await database.write(lambda c: editing.create(c, NEW))

    async def change(**wanted: Any) -> Session:
        later = NOW + 1
        return await database.write(
            lambda c: editing.change(c, "ann", "s1", SessionChange(**wanted), later)
        )

    assert await change() == first
    assert await change(title="Zwei") == replace(first, title="Zwei")
    assert await change(archived=True) == replace(first, title="Zwei", archived=True)
    changed = await change(title=None, metadata={}, archived=False)
    assert changed == replace(first, title=None, metadata={})
    assert changed.updated_at == NOW


async def test_anothers_an_unknown_and_an_expired_session_are_alike(database: AnyDatabase) -> None:
    await database.write(lambda c: editing.create(c, NEW))
    told = set()
    for owner, session_id, now in (
        ("bob", "s1", NOW),
        ("ann", "s2", NOW),
        ("ann", "s1", NOW + 1000),
    ):
        for wanted in (SessionChange(), SessionChange(title="x")):
            asked = (owner, session_id, wanted, now)
            with pytest.raises(NotFound) as missing:
                await database.write(partial(change, asked=asked))
            told.add((missing.value.message, missing.value.param))

    assert len(told) == 1
    assert (await database.read(lambda c: session_rows.find(c, "ann", "s1", NOW))).title == "T"


async def test_many_are_archived_at_once_and_those_that_were_there_are_told(
    database: AnyDatabase,
) -> None:
    for new in (NEW, replace(NEW, session_id="s2"), replace(NEW, owner="bob", session_id="s3")):
        await database.write(partial(editing.create, new=new))

    asked = ["s2", "s3", "none", "s1"]
    there = await database.write(lambda c: editing.archive(c, "ann", asked, True, NOW))

    assert there == {"s1", "s2"}
    theirs = await database.read(lambda c: session_rows.find(c, "bob", "s3", NOW))
    mine = await database.read(lambda c: session_rows.find(c, "ann", "s1", NOW))
    assert (mine.archived, theirs.archived) == (True, False)
