"""The book asks the database once for each thing, and one long thing at a time."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from talkwire.canon.errors import NotFound
from talkwire.canon.sessions import (
    HistoryAsked,
    NewSession,
    SessionChange,
    SessionsAsked,
    Whose,
)
from talkwire.stores.session_book import SqlSessionBook
from tests.contracts.turn_values import NOW
from tests.databases import AnyDatabase

NEW = NewSession("s1", "ann", NOW, 1000, title="Holidays", label="u1", agent="guide")


async def test_a_session_is_made_changed_found_counted_taken_and_brought(
    database: AnyDatabase,
) -> None:
    book = SqlSessionBook(database, clock=lambda: NOW)
    made = await book.create(NEW)

    assert await book.session("ann", "s1") == made
    changed = await book.change("ann", "s1", SessionChange(title="Trip"))
    assert await book.page(SessionsAsked(Whose("ann"), 9, text="TRI")) == [changed]
    assert await book.archive("ann", ["s1"], archived=True) == {"s1"}
    assert await book.page(SessionsAsked(Whose("ann"), 9)) == []
    assert (await book.history("ann", "s1", HistoryAsked(9))).total == 0
    assert (await book.stats(Whose("ann", "u1"))).sessions == 1
    assert await book.sizes("ann", ["s1"]) == {"s1": 0}
    taken = await book.take("ann", "s1")
    brought = await book.bring("bob", taken, fresh="s_new", ttl_ms=1000)
    assert brought == replace(changed, owner="bob", archived=True)


async def test_long_reads_wait_for_each_other_and_let_others_pass(database: AnyDatabase) -> None:
    book = SqlSessionBook(database, clock=lambda: NOW)
    async with book._one_long_read:
        long = asyncio.ensure_future(book.stats(Whose("ann")))
        with pytest.raises(NotFound):
            await book.session("ann", "s1")
        assert not long.done()

    assert (await long).sessions == 0
