"""This process in the database: its row is the fence of every commit."""

from __future__ import annotations

import os
import time

from sqlalchemy import Connection, bindparam, insert, select, update

from talkwire.canon.errors import Fenced, Unavailable
from talkwire.stores.machine import gone, machine
from talkwire.stores.prepared import Prepared
from talkwire.stores.schema import UNFINISHED, nodes, turns
from talkwire.stores.sqlite_database import SqliteDatabase

_find = Prepared(
    select(nodes.c.epoch, nodes.c.seen_at, nodes.c.pid).where(nodes.c.id == bindparam("node_"))
)
_add = Prepared(insert(nodes).values({c.name: bindparam(c.name) for c in nodes.columns}))
_take = Prepared(
    update(nodes)
    .where(nodes.c.id == bindparam("node_"))
    .values(
        epoch=bindparam("to"),
        seen_at=bindparam("at"),
        pid=bindparam("by"),
        started_at=bindparam("at"),
    )
)
_seen = Prepared(
    update(nodes)
    .where((nodes.c.id == bindparam("node_")) & (nodes.c.epoch == bindparam("under")))
    .values(seen_at=bindparam("at"))
)
_adopt = Prepared(update(turns).where(UNFINISHED).values(node=bindparam("to")))


class SqlNodes:
    """One node of a database that serves one process at a time. `epoch` is 0 before `join`."""

    def __init__(
        self, database: SqliteDatabase, node: str = "local", *, dead_after_s: float = 10
    ) -> None:
        self.node = node
        self.epoch = 0
        self._database = database
        self._dead_after_s = dead_after_s

    async def join(self) -> int:
        """Take the node and all unfinished turns over; from now on older processes are fenced.

        The new epoch. Call it before anything else is written.

        :raises Unavailable: another process that lives has the node; the message names its pid.
        """
        self.epoch = await self._database.write(self._join)
        self._database.guard(self.node, self.epoch)
        return self.epoch

    async def beat(self) -> None:
        """Say that this process lives. :raises Fenced: it was taken over."""
        if not await self._database.write(lambda c: self._see(c, _now_ms())):
            raise Fenced("Another process has taken over this node.")

    async def take_over(self) -> int:
        """There is no other node whose turns could be taken over."""
        return 0

    async def rejoin(self) -> None:
        """:raises Fenced: the file has another process now, and serves no second one."""
        raise Fenced("Another process has taken over this node.")

    async def leave(self) -> None:
        """Let another process take over at once. Never raises for having been taken over."""
        try:
            await self._database.write(lambda c: self._see(c, 0))
        except Fenced:
            return

    def _see(self, connection: Connection, at: int) -> int:
        return _seen.run(connection, node_=self.node, under=self.epoch, at=at)

    def _join(self, connection: Connection) -> int:
        now, pid = _now_ms(), os.getpid()
        row = _find.first(connection, node_=self.node)
        if row is None:
            epoch = 1
            _add.run(
                connection,
                id=self.node,
                epoch=epoch,
                seen_at=now,
                pid=pid,
                host=machine(),
                started_at=now,
            )
        else:
            self._refuse_if_alive(seen_at=row[1], pid=row[2], now=now)
            epoch = row[0] + 1
            _take.run(connection, node_=self.node, to=epoch, at=now, by=pid)
        _adopt.run(connection, to=self.node)
        return epoch

    def _refuse_if_alive(self, *, seen_at: int, pid: int, now: int) -> None:
        # A pid of our own is that of a process before us in the same container.
        beaten = now - seen_at < self._dead_after_s * 1000
        if beaten and pid != os.getpid() and not gone(pid):
            raise Unavailable(
                f"Process {pid} serves the database {str(self._database.path)!r} already. "
                "SQLite serves one process: stop that one, or give this one another data folder.",
                code="database_in_use",
            )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
