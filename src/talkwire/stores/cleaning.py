"""What storage may forget: hot events of ended turns, old logs and results, what has expired.

Each pass is a few bounded deletes, each a unit of its own, so that no commit waits long for it. On
PostgreSQL hot events go by partitions, one node at a time cleans, and it does so beside its writer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, select, text, tuple_

from talkwire.stores import partitions
from talkwire.stores.database import Database
from talkwire.stores.prepared import Prepared
from talkwire.stores.schema import (
    SPOKEN,
    UNFINISHED,
    approvals,
    idempotency,
    tool_results,
    turn_events,
    turn_logs,
    turns,
)

_oldest = select(func.min(turns.c.first_event_id)).where(UNFINISHED).scalar_subquery()
_past = (
    select(turn_events.c.id)
    .where(
        turn_events.c.id
        < func.coalesce(_oldest, select(func.max(turn_events.c.id)).scalar_subquery())
    )
    .order_by(turn_events.c.id)
    .limit(bindparam("most"))
)
_events = Prepared(delete(turn_events).where(turn_events.c.id.in_(_past)))
_logs = Prepared(
    delete(turn_logs).where(
        turn_logs.c.turn_id.in_(
            select(turn_logs.c.turn_id)
            .where(turn_logs.c.ended_at < bindparam("before"))
            .limit(bindparam("most"))
        )
    )
)
_spoken = Prepared(
    delete(turn_logs).where(
        turn_logs.c.turn_id.in_(
            select(turn_logs.c.turn_id)
            .where(SPOKEN & (turn_logs.c.ended_at < bindparam("before")))
            .limit(bindparam("most"))
        )
    )
)
_results = Prepared(
    delete(tool_results).where(
        tuple_(tool_results.c.owner, tool_results.c.call_id).in_(
            select(tool_results.c.owner, tool_results.c.call_id)
            .where(tool_results.c.at < bindparam("before"))
            .limit(bindparam("most"))
        )
    )
)
_approvals = Prepared(
    delete(approvals).where(
        tuple_(approvals.c.owner, approvals.c.call_id).in_(
            select(approvals.c.owner, approvals.c.call_id)
            .where(approvals.c.expires_at < bindparam("before"))
            .limit(bindparam("most"))
        )
    )
)
_keys = Prepared(delete(idempotency).where(idempotency.c.expires_at <= bindparam("now")))
_TRY = text("SELECT pg_try_advisory_xact_lock(725011983, 2)")


class Swept(NamedTuple):
    """How many rows a pass has deleted; of `events` partitions, where there are some. `spoken` are
    logs that went earlier since they hold audio.
    """

    events: int
    spoken: int
    logs: int
    results: int
    approvals: int
    keys: int


class Cleaning:
    """`retention_s`: how long the events of an ended turn, and a long result, can be read;
    for as long it is known what was said of a call that had to be approved. `spoken_s` is that of
    the events of turns with audio, where it is shorter.

    `slice_rows` bounds one delete: it holds the writer for a few milliseconds.
    """

    def __init__(
        self,
        database: Database,
        *,
        retention_s: float,
        spoken_s: float | None = None,
        clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        slice_rows: int = 2_000,
    ) -> None:
        self._database = database
        self._retention_s = retention_s
        self._spoken_s = retention_s if spoken_s is None else min(spoken_s, retention_s)
        self._clock = clock
        self._slice_rows = slice_rows

    async def sweep(self) -> Swept:
        """One pass over everything; call it every minute or so.

        :raises Fenced, StorageUnavailable: what was deleted before stays deleted.
        """
        now = self._clock()
        before, spoken = (now - int(s * 1000) for s in (self._retention_s, self._spoken_s))
        hot, logs = self._slice_rows, max(1, self._slice_rows // 20)  # a log is a whole turn
        if self._database.partitioned:
            await self._database.apart(partitions.make)
            events = await self._database.apart(partitions.drop)
        else:
            events = await self._repeat(lambda c: _events.run(c, most=hot), hot)
        return Swept(
            events=events,
            spoken=await self._repeat(lambda c: _spoken.run(c, before=spoken, most=logs), logs),
            logs=await self._repeat(lambda c: _logs.run(c, before=before, most=logs), logs),
            results=await self._repeat(lambda c: _results.run(c, before=before, most=logs), logs),
            approvals=await self._repeat(lambda c: _approvals.run(c, before=before, most=hot), hot),
            keys=await self._run(lambda c: _keys.run(c, now=now)),
        )

    async def _repeat(self, unit: Callable[[Connection], int], full: int) -> int:
        """Run a unit until it deletes less than it might; how many rows it deleted in all."""
        total = 0
        while True:
            gone = await self._run(unit)
            total += gone
            if gone < full:
                return total

    async def _run(self, unit: Callable[[Connection], int]) -> int:
        if not self._database.partitioned:
            return await self._database.write(unit)
        return await self._database.apart(lambda c: unit(c) if c.execute(_TRY).scalar_one() else 0)
