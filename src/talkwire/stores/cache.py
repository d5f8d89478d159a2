"""Long histories, kept in Redis so that a new turn reads from the database what is new alone.

Why it is never stale, for the writer or anybody: messages never change, and a message's id stands
for all that is above it. So what is kept is a path by the id of its last message, and which
message a turn goes on from is never asked here: the database says it when the turn is accepted.
A kept path is where the walk up from that message may stop, and one that was overtaken, lost or
came late costs a longer walk and nothing else. There is nothing to invalidate but for `forget`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec
from sqlalchemy import Connection, bindparam, literal, select

from talkwire.canon.records import StoredMessage
from talkwire.stores.database import Database
from talkwire.stores.prepared import Prepared
from talkwire.stores.redis import Away, RedisLink
from talkwire.stores.schema import messages
from talkwire.stores.sessions import COLUMNS, PATH_LIMIT, stored
from talkwire.stores.turns import SqlRecords, now_ms


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    version: Literal[2]  # of `StoredMessage` too: raise it when that changes
    owner: str
    session_id: str
    path: list[StoredMessage]


class Histories:
    """One path a session in Redis, the one that was read last.

    Paths of fewer than `min_messages` are read as quickly from the database, and longer ones than
    `max_bytes` are not kept.
    """

    def __init__(
        self,
        link: RedisLink,
        *,
        ttl_s: float = 3600,
        min_messages: int = 32,
        max_bytes: int = 262_144,
    ) -> None:
        self._link = link
        self._ttl_ms = int(ttl_s * 1000)
        self._min_messages = min_messages
        self._max_bytes = max_bytes
        self._encode = msgspec.msgpack.Encoder().encode
        self._decoder = msgspec.msgpack.Decoder(_Kept)

    async def get(self, owner: str, session_id: str) -> list[StoredMessage]:
        """The kept path, oldest first; empty when there is none. Never raises for Redis."""
        key = self._key(owner, session_id)
        try:
            found = await self._link.call(lambda redis: redis.get(key))
            kept = self._decoder.decode(found) if isinstance(found, bytes) else None
        except (Away, msgspec.MsgspecError):
            return []
        if kept is None or (kept.owner, kept.session_id) != (owner, session_id):
            return []
        return kept.path

    def keep(self, owner: str, session_id: str, path: list[StoredMessage]) -> None:
        """Keep it instead of what was kept of the session, soon. Waits for nothing."""
        if len(path) < self._min_messages or self._link.fault is not None:
            return
        key, payload = self._key(owner, session_id), self._encode(_Kept(2, owner, session_id, path))
        if len(payload) <= self._max_bytes:
            self._link.later(lambda redis: redis.set(key, payload, px=self._ttl_ms))

    async def forget(self, owner: str, session_id: str) -> None:
        """For sessions that are deleted; while Redis is away its time alone ends what it holds."""
        key = self._key(owner, session_id)
        try:
            await self._link.call(lambda redis: redis.delete(key))
        except Away:
            return

    def _key(self, owner: str, session_id: str) -> str:
        # Hashed: both are the callers' own words, of any length and with any sign in them.
        whole = msgspec.json.encode((owner, session_id))
        return f"{self._link.prefix}history:{hashlib.sha256(whole).hexdigest()}"


class CachedRecords(SqlRecords):
    """`SqlRecords`, whose paths are completed from what is kept of them."""

    def __init__(
        self,
        database: Database,
        node: Callable[[], str],
        *,
        histories: Histories,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        super().__init__(database, node, clock=clock)
        self._histories = histories

    async def path(self, owner: str, session_id: str, leaf: str | None) -> list[StoredMessage]:
        """As of `SqlRecords`. The current leaf is always asked from the database."""
        if not leaf:
            return await super().path(owner, session_id, leaf)
        kept = await self._histories.get(owner, session_id)
        if not kept:
            path = await super().path(owner, session_id, leaf)
        elif kept[-1].message.id == leaf:
            return kept
        else:
            path = await self._completed(owner, session_id, leaf=leaf, kept=kept)
        self._histories.keep(owner, session_id, path)
        return path

    async def _completed(
        self, owner: str, session_id: str, *, leaf: str, kept: Sequence[StoredMessage]
    ) -> list[StoredMessage]:
        last = kept[-1].message.id

        def query(connection: Connection) -> list[StoredMessage]:
            rows = _below.all(connection, owner_=owner, session_=session_id, leaf_=leaf, last_=last)
            return [stored(row) for row in rows]

        below = await self._database.read(query)
        if below and below[0].parent_id == last:
            return [*kept, *below][-PATH_LIMIT:]
        return below  # another branch: the walk has gone up to its root


def _walk() -> Prepared:
    mine = (messages.c.owner == bindparam("owner_")) & (
        messages.c.session_id == bindparam("session_")
    )
    up = (
        select(messages.c.id, messages.c.parent_id, literal(0).label("depth"))
        .where(mine & (messages.c.id == bindparam("leaf_")))
        .cte("below", recursive=True)
    )
    above = select(messages.c.id, messages.c.parent_id, up.c.depth + 1).where(
        mine
        & (messages.c.id == up.c.parent_id)
        & (messages.c.id != bindparam("last_"))
        & (up.c.depth < PATH_LIMIT - 1)
    )
    below = up.union_all(above)
    return Prepared(
        select(*COLUMNS).join(below, messages.c.id == below.c.id).order_by(below.c.depth.desc())
    )


_below = _walk()
