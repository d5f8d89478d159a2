"""Sessions as their owners look through them, one by one or in lists, and delete them."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy import Connection, func, select, tuple_

from talkwire.canon.errors import NotFound
from talkwire.canon.records import SessionDetail, SessionRecord, StoredMessage, session_lock
from talkwire.canon.sessions import Deleted
from talkwire.stores.database import Database
from talkwire.stores.deleting import delete_session, delete_sessions
from talkwire.stores.schema import messages, sessions, turns
from talkwire.stores.session_rows import find, last
from talkwire.stores.sessions import path


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

    async def session(self, owner: str, session_id: str) -> SessionDetail:
        """What is told of one session.

        :raises NotFound: unknown, expired, or another's: all alike.
        """
        now = time.time_ns() // 1_000_000
        return await self._database.read(lambda c: _session(c, owner, session_id, now))

    async def delete(self, owner: str, session_id: str) -> list[str]:
        """Delete all that is stored of a session but what it has used, in one transaction; the
        ids of its turns, oldest first. See `deleting`.

        :raises NotFound: nothing is stored of it, or it is another's.
        :raises Busy: a turn of it has not ended; nothing was deleted.
        :raises Fenced, StorageUnavailable: see `Database`.
        """
        lock = session_lock(owner, session_id)
        return await self._database.write(
            lambda c: delete_session(c, owner, session_id), locks=(lock,)
        )

    async def delete_many(self, owner: str, session_ids: Sequence[str]) -> Deleted:
        """As `delete`, of all in one transaction: those where no turn runs.

        :raises Fenced, StorageUnavailable: see `Database`.
        """
        locks = tuple(session_lock(owner, each) for each in session_ids)
        return await self._database.write(
            lambda c: delete_sessions(c, owner, session_ids), locks=locks
        )


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
        SessionRecord(row.id, row.title, row.created_at, row.updated_at, last(row.payload))
        for row in connection.execute(asked)
    ]


def _session(connection: Connection, owner: str, session_id: str, now: int) -> SessionDetail:
    told = find(connection, owner, session_id, now)
    counted = (
        select(func.count())
        .select_from(messages)
        .where((messages.c.owner == owner) & (messages.c.session_id == session_id))
    )
    by_status = (
        select(turns.c.status, func.count())
        .where((turns.c.owner == owner) & (turns.c.session_id == session_id))
        .group_by(turns.c.status)
    )
    branch = path(connection, owner, session_id, None, now)
    scenes = (each.message.scene for each in reversed(branch))
    scene = next((each for each in scenes if each is not None), None)
    return SessionDetail(
        session_id,
        told.title,
        told.created_at,
        told.updated_at,
        told.expires_at,
        messages=connection.execute(counted).scalar_one(),
        turns={status: count for status, count in connection.execute(by_status)},
        category=scene.category or None if scene else None,
        subcategory=scene.subcategory or None if scene else None,
        label=told.label,
        agent=told.agent,
        prompt=told.prompt,
        metadata=told.metadata,
        archived=told.archived,
    )
