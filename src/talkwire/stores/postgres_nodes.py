"""This process among others on PostgreSQL: its row is the fence of every commit.

A process has a name of its own each time it starts, and again each time it comes back after it
was taken for dead. Whether somebody is dead is told by the database's clock alone.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from time import monotonic

from sqlalchemy import (
    BigInteger,
    Connection,
    bindparam,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    update,
)

from talkwire.canon.errors import Fenced, StorageUnavailable
from talkwire.stores.machine import gone, is_marked, machine
from talkwire.stores.postgres_database import PostgresDatabase
from talkwire.stores.prepared import Prepared
from talkwire.stores.schema import UNFINISHED, nodes, turns

_OWN = 1
"""The epoch of a node that nobody has taken over."""

_KEPT_MS = 86_400_000
"""How long the row of a node that is gone can be looked at."""

_LEFT_S = 315_360_000
"""Nobody is silent for ten years: only who has left, whose row says 0, was seen before that."""

_NOW = cast(func.extract("epoch", func.clock_timestamp()) * 1000, BigInteger)
_add = Prepared(
    insert(nodes).values(
        id=bindparam("id"),
        epoch=_OWN,
        seen_at=_NOW,
        pid=bindparam("pid"),
        host=bindparam("host"),
        started_at=_NOW,
    )
)
_MINE = (nodes.c.id == bindparam("node_")) & (nodes.c.epoch == bindparam("under"))
_seen = Prepared(update(nodes).where(_MINE).values(seen_at=_NOW))
_left = Prepared(update(nodes).where(_MINE).values(seen_at=0))
_dead = Prepared(
    select(nodes.c.id)
    .where(
        (nodes.c.epoch == _OWN)
        & (nodes.c.id != bindparam("node_"))
        & (nodes.c.seen_at < _NOW - bindparam("silence", type_=BigInteger))
    )
    .order_by(nodes.c.id)
    .with_for_update(skip_locked=True)
)
_here = Prepared(
    select(nodes.c.id, nodes.c.pid).where(
        (nodes.c.epoch == _OWN)
        & (nodes.c.host == bindparam("host_"))
        & (nodes.c.id != bindparam("node_"))
    )
)
_one = Prepared(
    select(nodes.c.id)
    .where((nodes.c.id == bindparam("node_")) & (nodes.c.epoch == _OWN))
    .with_for_update(skip_locked=True)
)
_fence_off = Prepared(
    update(nodes).where(nodes.c.id == bindparam("node_")).values(epoch=nodes.c.epoch + 1)
)
_adopt = Prepared(
    update(turns)
    .where((turns.c.node == bindparam("node_")) & UNFINISHED)
    .values(node=bindparam("to"))
)
_forget = Prepared(
    delete(nodes).where(
        (nodes.c.epoch > _OWN)
        & (nodes.c.seen_at < _NOW - _KEPT_MS)
        & ~exists(select(literal(1)).where((turns.c.node == nodes.c.id) & UNFINISHED))
    )
)


class PostgresNodes:
    """One of many. `node` is empty and `epoch` 0 before `join`.

    `dead_after_s` is how long a node may be silent before another takes its turns over; one whose
    process is gone from this very machine is dead at once.
    """

    def __init__(self, database: PostgresDatabase, *, dead_after_s: float = 10) -> None:
        self.node = ""
        self.epoch = 0
        self._database = database
        self._dead_after_s = dead_after_s
        self._steady_since: float | None = None
        self._beaten = 0.0
        self._unsure = False

    async def join(self) -> int:
        """Become a node; its epoch. Call it before anything else is written.

        :raises StorageUnavailable: the database does not answer.
        """
        node, pid, host = f"n_{secrets.token_hex(8)}", os.getpid(), machine()
        await self._database.apart(lambda c: _add.run(c, id=node, pid=pid, host=host))
        self.node, self.epoch = node, _OWN
        self._database.guard(node, _OWN)
        self._steady_since = None
        self._note_beat()
        return self.epoch

    async def beat(self) -> None:
        """Say that this process lives. :raises Fenced: it was taken over."""
        try:
            seen = await self._database.write(self._see)
        except StorageUnavailable:
            self._steady_since = None
            raise
        if not seen:
            raise Fenced("Another process has taken over this node.")
        self._note_beat()

    async def take_over(self) -> int:
        """Make the unfinished turns of nodes that stopped beating this node's; how many.

        Silence is no sign while this node has not beaten without failure or pause itself for half
        of `dead_after_s`, in which every other one beats: after the database was away, nobody has.
        Who has said that it leaves is followed at once. Of several nodes one takes each over.
        After a failure the next call tells of at least one: what failed may have been stored.

        :raises Fenced: this node was taken over itself.
        """
        since = self._steady_since
        steady = since is not None and monotonic() - since >= self._dead_after_s / 2
        silence_s = self._dead_after_s if steady else _LEFT_S
        try:
            vanished = await self._vanished()
            work = partial(self._take_over, vanished=vanished, silence_ms=int(silence_s * 1000))
            taken = await self._database.write(work)
        except StorageUnavailable:
            self._unsure = True
            raise
        unsure, self._unsure = self._unsure, False
        return max(taken, int(unsure))

    async def rejoin(self) -> None:
        """After `Fenced`: come back as a new node. Nothing of the old one is stored any more.

        :raises StorageUnavailable: not now; may be called again.
        """
        with suppress(Fenced):  # behind all that was queued under the old name
            await self._database.write(lambda _: None)
        await self.join()

    async def leave(self) -> None:
        """Let others take over at once. Where that cannot be stored they find out by themselves."""
        with suppress(Fenced, StorageUnavailable):
            await self._database.write(self._leave)

    def _note_beat(self) -> None:
        now = monotonic()
        if self._steady_since is None or now - self._beaten > self._dead_after_s:
            self._steady_since = now
        self._beaten = now

    def _see(self, connection: Connection) -> int:
        return _seen.run(connection, node_=self.node, under=self.epoch)

    def _leave(self, connection: Connection) -> int:
        return _left.run(connection, node_=self.node, under=self.epoch)

    async def _vanished(self) -> list[str]:
        """The nodes whose processes were on this machine and are not any more."""
        host, node = machine(), self.node
        if not is_marked(host):
            return []
        try:
            rows = await self._database.read(lambda c: _here.all(c, host_=host, node_=node))
        except StorageUnavailable:
            return []
        return [name for name, pid in rows if gone(pid)]

    def _take_over(
        self, connection: Connection, *, vanished: Sequence[str], silence_ms: int
    ) -> int:
        dead = {name for (name,) in _dead.all(connection, node_=self.node, silence=silence_ms)}
        for name in sorted(set(vanished) - dead):
            dead |= {name for (name,) in _one.all(connection, node_=name)}
        taken = 0
        for dead_node in sorted(dead):
            _fence_off.run(connection, node_=dead_node)
            taken += _adopt.run(connection, node_=dead_node, to=self.node)
        _forget.run(connection)
        return taken
