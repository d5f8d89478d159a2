"""All that owners do with their sessions: make, list, change, count, take out, bring in.

Every question has an owner, but for those of admins, which say so (`Whose`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from talkwire.canon.records import session_lock
from talkwire.canon.sessions import (
    Archive,
    HistoryAsked,
    HistoryPage,
    NewSession,
    Session,
    SessionChange,
    SessionsAsked,
    SessionStats,
    Whose,
)
from talkwire.stores import archives, editing, history, listing, session_rows
from talkwire.stores.database import Database
from talkwire.stores.stats import stats
from talkwire.stores.turns import now_ms


class SqlSessionBook:
    """The sessions in the database. `clock` gives Unix milliseconds.

    What reads much (searches, sums, archives) is done one at a time: turns are not to wait for
    connections behind it.
    """

    def __init__(self, database: Database, *, clock: Callable[[], int] = now_ms) -> None:
        self._database = database
        self._clock = clock
        self._one_long_read = asyncio.Semaphore(1)

    async def create(self, new: NewSession) -> Session:
        """Store a session that nothing was said in yet.

        :raises Fenced, StorageUnavailable: see `Database`.
        """
        return await self._database.write(lambda c: editing.create(c, new))

    async def session(self, owner: str, session_id: str) -> Session:
        """:raises NotFound: unknown, expired, or another's."""
        now = self._clock()
        return await self._database.read(lambda c: session_rows.find(c, owner, session_id, now))

    async def page(self, asked: SessionsAsked) -> list[Session]:
        """A page of a list, newest activity first."""
        now = self._clock()
        if not asked.text:
            return await self._database.read(lambda c: listing.page(c, asked, now))
        async with self._one_long_read:
            return await self._database.read(lambda c: listing.page(c, asked, now))

    async def history(self, owner: str, session_id: str, asked: HistoryAsked) -> HistoryPage:
        """A page of a branch, oldest first. :raises NotFound: unknown, expired, or another's."""
        now = self._clock()
        return await self._database.read(lambda c: history.page(c, owner, session_id, asked, now))

    async def change(self, owner: str, session_id: str, wanted: SessionChange) -> Session:
        """:raises NotFound: unknown, expired, or another's."""
        now = self._clock()
        return await self._database.write(
            lambda c: editing.change(c, owner, session_id, wanted, now)
        )

    async def archive(self, owner: str, session_ids: Sequence[str], *, archived: bool) -> set[str]:
        """Archive sessions or take them back, in one statement; those that were there."""
        now = self._clock()
        return await self._database.write(
            lambda c: editing.archive(c, owner, session_ids, archived, now)
        )

    async def stats(self, whose: Whose) -> SessionStats:
        """Sums over sessions. :raises NotFound: there is none of such a user."""
        async with self._one_long_read:
            return await self._database.read(lambda c: stats(c, whose))

    async def sizes(self, owner: str, session_ids: Sequence[str]) -> dict[str, int]:
        """About how many bytes each of these sessions is; those that are there."""
        now = self._clock()
        return await self._database.read(lambda c: archives.sizes(c, owner, session_ids, now))

    async def take(self, owner: str, session_id: str) -> Archive:
        """The whole session. :raises NotFound: unknown, expired, or another's."""
        now = self._clock()
        async with self._one_long_read:
            return await self._database.read(lambda c: archives.take(c, owner, session_id, now))

    async def bring(self, owner: str, given: Archive, *, fresh: str, ttl_ms: int) -> Session:
        """Store an archive as a session of this owner, under its own id where that is free, else
        under `fresh`, a new id.

        :raises Fenced, StorageUnavailable: nothing was stored.
        """
        now = self._clock()
        return await self._database.write(
            lambda c: archives.bring(c, owner, given, fresh=fresh, now=now, ttl_ms=ttl_ms),
            locks=(session_lock(owner, given.session_id),),
        )
