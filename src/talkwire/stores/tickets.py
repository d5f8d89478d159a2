"""Tickets: what a browser shows instead of a key, once, where it cannot send headers.

A ticket is spent by deleting its row, so it opens one stream on whichever node it is shown to.
"""

from __future__ import annotations

import hashlib
import secrets
import time

from sqlalchemy import Connection, delete, insert

from talkwire.stores.database import Database
from talkwire.stores.schema import tickets


class SqlTickets:
    """The tickets in the database, by their SHA-256. `principal` is for the caller to read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def issue(self, principal: str, ttl_s: float) -> str:
        """A new ticket: 256 random bits. Those that have expired are swept away with it."""
        ticket = secrets.token_urlsafe(32)
        now = time.time_ns() // 1_000_000
        row = {"hash": _hash(ticket), "principal": principal, "expires_at": now + int(ttl_s * 1000)}

        def put(connection: Connection) -> None:
            connection.execute(delete(tickets).where(tickets.c.expires_at <= now))
            connection.execute(insert(tickets).values(row))

        await self._database.write(put)
        return ticket

    async def spend(self, ticket: str) -> str | None:
        """The principal that the ticket was issued to, once; None if spent, expired or unknown."""
        now = time.time_ns() // 1_000_000
        gone = (
            delete(tickets)
            .where(tickets.c.hash == _hash(ticket))
            .returning(tickets.c.principal, tickets.c.expires_at)
        )
        row = await self._database.write(lambda c: c.execute(gone).first())
        return None if row is None or row.expires_at <= now else str(row.principal)


def _hash(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()
