"""All nodes of a database, and the turns that each of them runs."""

from __future__ import annotations

import time
from collections import defaultdict

from sqlalchemy import BigInteger, Connection, cast, func, select

from talkwire.canon.records import NodeRecord, RunningTurn
from talkwire.stores.database import Database
from talkwire.stores.machine import host_of
from talkwire.stores.schema import UNFINISHED, nodes, turns

TURNS_LIMIT = 1_000
"""How many turns are listed at most, the oldest first."""

_CLOCK = select(cast(func.extract("epoch", func.clock_timestamp()) * 1000, BigInteger))
_NODES = select(
    nodes.c.id, nodes.c.host, nodes.c.pid, nodes.c.epoch, nodes.c.started_at, nodes.c.seen_at
).order_by(nodes.c.started_at, nodes.c.id)
_TURNS = (
    select(turns.c.node, turns.c.turn_id, turns.c.wire, turns.c.status, turns.c.created_at)
    .where(UNFINISHED)
    .order_by(turns.c.first_event_id)
    .limit(TURNS_LIMIT)
)


class Roster:
    """Reads what nodes say of themselves. A node that left or was taken over is not listed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def nodes(self) -> list[NodeRecord]:
        """The nodes in the order of their starts; silences by the database's clock.

        :raises StorageUnavailable: the database does not answer.
        """
        return await self._database.read(_read)


def _read(connection: Connection) -> list[NodeRecord]:
    postgres = connection.dialect.name == "postgresql"
    now = connection.execute(_CLOCK).scalar_one() if postgres else time.time_ns() // 1_000_000
    running: dict[str, list[RunningTurn]] = defaultdict(list)
    for node, *turn in connection.execute(_TURNS):
        running[node].append(RunningTurn(*turn))
    return [
        NodeRecord(
            id=row.id,
            host=host_of(row.host or ""),
            pid=row.pid,
            epoch=row.epoch,
            started_at=row.started_at or 0,
            silent_ms=max(0, now - row.seen_at),
            turns=tuple(running[row.id]),
        )
        for row in connection.execute(_NODES)
        if row.id in running or (row.seen_at > 0 and (not postgres or row.epoch == 1))
    ]
