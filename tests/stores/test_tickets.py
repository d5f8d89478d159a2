"""Tickets: spent once, within their time. On both databases."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select

from talkwire.stores.database import Database
from talkwire.stores.schema import tickets as table
from talkwire.stores.tickets import SqlTickets


@pytest.fixture
def tickets(either: Database) -> SqlTickets:
    return SqlTickets(either)


async def test_a_ticket_is_good_once_however_many_try(tickets: SqlTickets) -> None:
    ticket = await tickets.issue('{"id":"ann"}', 60)

    spent = await asyncio.gather(*(tickets.spend(ticket) for _ in range(8)))

    assert sorted(spent, key=str) == [None] * 7 + ['{"id":"ann"}']


async def test_an_unknown_or_expired_ticket_is_good_for_nothing(tickets: SqlTickets) -> None:
    expired = await tickets.issue("ann", 0)

    assert await tickets.spend(expired) is None
    assert await tickets.spend("nothing") is None


async def test_the_ticket_itself_is_not_stored_and_old_ones_go(
    tickets: SqlTickets, either: Database
) -> None:
    for _ in range(3):
        await tickets.issue("ann", 0)
    ticket = await tickets.issue("bob", 60)

    rows = await either.read(lambda c: c.execute(select(table)).all())

    assert len(rows) == 1
    assert ticket not in str(rows)
    assert await either.read(lambda c: c.scalar(select(func.count()).select_from(table))) == 1
