"""`turn_events` on PostgreSQL lies in partitions by time, each made ahead and dropped whole.

There is no default partition: it would fill unseen, and then no other could be attached beside
it. Where a partition is missing the writer makes it and stores again. Any number of nodes may do
this at once. Bounds are the database's own clock, as `turn_events.at` is.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from sqlalchemy import Connection, text

WIDTH_MS = 600_000
AHEAD = 3
"""So many partitions lie ready beyond the one of now."""

SETTLED_MS = 60_000
"""No transaction that could still store into a partition is as old as this at its end."""

_LOCK = text("SELECT pg_advisory_xact_lock(725011983, 0)")
_TRY = text("SELECT pg_try_advisory_xact_lock(725011983, 0)")
_NOW = text("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")
_ALL = text(
    "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i "
    "JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'turn_events'::regclass"
)
_OLDEST = text(
    "SELECT min(e.at) FROM turns t JOIN turn_events e ON e.turn_id = t.turn_id AND e.first_n = 0 "
    "WHERE t.status IN ('queued', 'running')"
)
_BOUNDS = re.compile(r"FROM \('(-?\d+)'\) TO \('(-?\d+)'\)")


class Partition(NamedTuple):
    """What was stored at `start <= at < end`."""

    name: str
    start: int
    end: int


def found(connection: Connection) -> list[Partition]:
    """All partitions, oldest first."""
    partitions = []
    for name, words in connection.execute(_ALL):
        # Nothing is said of one that is being dropped.
        if (bounds := _BOUNDS.search(words or "")) is not None:
            partitions.append(Partition(name, int(bounds[1]), int(bounds[2])))
    return sorted(partitions, key=lambda p: p.start)


def make(connection: Connection) -> int:
    """Make the partitions of now and of the time ahead that are missing; how many."""
    now = connection.execute(_NOW).scalar_one()
    first = now - now % WIDTH_MS
    wanted = [_partition(first + i * WIDTH_MS) for i in range(AHEAD + 1)]
    if not _missing(connection, wanted):
        return 0
    connection.execute(_LOCK)
    missing = _missing(connection, wanted)
    for name, start, end in missing:
        connection.exec_driver_sql(
            f"CREATE TABLE {name} PARTITION OF turn_events FOR VALUES FROM ({start}) TO ({end})"
        )
    return len(missing)


def drop(connection: Connection) -> int:
    """Drop the partitions that no unfinished turn has an event in; how many.

    Nothing is dropped while another node is at it. All who store wait for a moment.
    """
    now = connection.execute(_NOW).scalar_one()
    past = [p for p in found(connection) if p.end <= now - SETTLED_MS]
    if not _needless(connection, past) or not connection.execute(_TRY).scalar_one():
        return 0
    connection.exec_driver_sql("SET LOCAL lock_timeout = '500ms'")
    # The parent before its parts, as all others lock them; then nothing can come in between.
    connection.exec_driver_sql("LOCK TABLE turn_events IN ACCESS EXCLUSIVE MODE")
    needless = _needless(connection, [p for p in found(connection) if p in past])
    for partition in needless:
        connection.exec_driver_sql(f"DROP TABLE {partition.name}")
    return len(needless)


def _needless(connection: Connection, past: list[Partition]) -> list[Partition]:
    if not past:
        return []
    oldest = connection.execute(_OLDEST).scalar()
    return [p for p in past if oldest is None or p.end <= oldest]


def _missing(connection: Connection, wanted: list[Partition]) -> list[Partition]:
    there = {p.start for p in found(connection)}
    return [p for p in wanted if p.start not in there]


def _partition(start: int) -> Partition:
    return Partition(f"turn_events_{start // 1000}", start, start + WIDTH_MS)
