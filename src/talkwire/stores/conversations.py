"""Sessions as their owners look through them: lists, and pages of messages."""

from __future__ import annotations

import time

import msgspec
from sqlalchemy import Connection, select, tuple_

from talkwire.canon.errors import NotFound
from talkwire.canon.records import SessionRecord, StoredMessage
from talkwire.canon.turn import Message
from talkwire.stores.database import Database
from talkwire.stores.schema import messages, sessions
from talkwire.stores.sessions import path

LAST_CHARS = 200
_message = msgspec.json.Decoder(Message)


class SqlConversations:
    """What is stored of each owner's conversations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def sessions(
        self, owner: str, *, limit: int, before: tuple[int, str] | None = None
    ) -> list[SessionRecord]:
        """Those that have not expired, the one used last first."""
        return await self._database.read(lambda c: _sessions(c, owner, limit, before))

    async def messages(
        self, owner: str, session_id: str, *, limit: int, leaf: str | None = None
    ) -> list[StoredMessage]:
        """The last `limit` messages up to `leaf`, oldest first; at most `PATH_LIMIT`.

        :raises NotFound: there are none, or they are another's.
        """
        now = time.time_ns() // 1_000_000
        found = await self._database.read(lambda c: path(c, owner, session_id, leaf, now))
        if not found:
            raise NotFound("There is no such session, or nothing in it.", param="session_id")
        return found[-limit:]


def _sessions(
    connection: Connection, owner: str, limit: int, before: tuple[int, str] | None
) -> list[SessionRecord]:
    now = time.time_ns() // 1_000_000
    asked = (
        select(
            sessions.c.id,
            sessions.c.title,
            sessions.c.created_at,
            sessions.c.updated_at,
            messages.c.payload,
        )
        .outerjoin(messages, (messages.c.id == sessions.c.leaf) & (messages.c.owner == owner))
        .where((sessions.c.owner == owner) & (sessions.c.expires_at > now))
        .order_by(sessions.c.updated_at.desc(), sessions.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        asked = asked.where(tuple_(sessions.c.updated_at, sessions.c.id) < tuple_(*before))
    return [
        SessionRecord(row.id, row.title, row.created_at, row.updated_at, _last(row.payload))
        for row in connection.execute(asked)
    ]


def _last(payload: str | None) -> str:
    return "" if payload is None else _message.decode(payload).text[:LAST_CHARS]
