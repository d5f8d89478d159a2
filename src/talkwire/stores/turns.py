"""Turns, sessions and messages in SQL: fits the engine's port `Records`."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence

from sqlalchemy import Connection, bindparam, func, select, text, update

from talkwire.canon.events import Stamped, load
from talkwire.canon.records import (
    Approval,
    Idempotency,
    NewTurn,
    Started,
    StoredMessage,
    TurnRecord,
    Unfinished,
)
from talkwire.stores import approvals, sessions, starting
from talkwire.stores.database import Database
from talkwire.stores.prepared import Prepared
from talkwire.stores.rows import TURN, find_turn, turn_record
from talkwire.stores.schema import UNFINISHED, turn_events, turns

_run = Prepared(
    update(turns)
    .where((turns.c.turn_id == bindparam("turn_")) & (turns.c.status == text("'queued'")))
    .values(status="running", started_at=bindparam("at"))
)
_open = Prepared(
    select(*TURN)
    .where((turns.c.node == bindparam("node_")) & UNFINISHED)
    .order_by(turns.c.first_event_id)
)
_oldest = (
    select(func.min(turns.c.first_event_id))
    .where((turns.c.node == bindparam("node_")) & UNFINISHED)
    .scalar_subquery()
)
_hot = Prepared(
    select(turn_events.c.turn_id, turn_events.c.payload)
    .join(turns, turns.c.turn_id == turn_events.c.turn_id)
    .where((turn_events.c.id >= _oldest) & (turns.c.node == bindparam("node_")) & UNFINISHED)
    .order_by(turn_events.c.id)
)
_before = Prepared(
    select(turns.c.turn_id)
    .where(
        (turns.c.owner == bindparam("owner_"))
        & (turns.c.session_id == bindparam("session_"))
        & (turns.c.node != bindparam("node_"))
        & (turns.c.created_at <= bindparam("until"))
        & UNFINISHED
    )
    .order_by(turns.c.first_event_id)
)
_under_way = Prepared(
    select(turns.c.turn_id)
    .where(
        (turns.c.owner == bindparam("owner_"))
        & (turns.c.session_id == bindparam("session_"))
        & UNFINISHED
    )
    .order_by(turns.c.first_event_id)
)
_mark = Prepared(
    update(turns)
    .where(
        (turns.c.turn_id == bindparam("turn_"))
        & (turns.c.owner == bindparam("owner_"))
        & turns.c.stop_by.is_(None)
        & UNFINISHED
    )
    .values(stop_by=bindparam("by"))
)
_stopping = Prepared(
    select(turns.c.turn_id, turns.c.stop_by)
    .where((turns.c.node == bindparam("node_")) & turns.c.stop_by.is_not(None) & UNFINISHED)
    .order_by(turns.c.first_event_id)
)


def now_ms() -> int:
    """The time as Unix milliseconds."""
    return time.time_ns() // 1_000_000


class SqlRecords:
    """All that is stored of turns, for one node. `node` tells its name, which changes when it was
    taken for dead and comes back; `clock` gives Unix milliseconds."""

    def __init__(
        self, database: Database, node: Callable[[], str], *, clock: Callable[[], int] = now_ms
    ) -> None:
        self._database = database
        self._node = node
        self._clock = clock

    async def start(self, new: NewTurn) -> Started:
        """Accept a turn in one transaction; see the port for what it raises."""
        node = self._node()
        return await self._database.write(
            lambda c: starting.start(c, new, node), locks=starting.locks(new)
        )

    async def known(self, owner: str, wanted: Idempotency) -> TurnRecord | None:
        """The turn that the key names already. :raises IdempotencyMismatch: for another request."""
        at = self._clock()
        return await self._database.read(lambda c: starting.known(c, owner, wanted, at))

    async def running(self, turn_id: str) -> None:
        """A queued turn's time has come. Nothing happens to a turn that is not queued."""
        at = self._clock()
        await self._database.write(lambda c: _run.run(c, turn_=turn_id, at=at))

    async def stop(self, owner: str, turn_id: str, by: str) -> TurnRecord:
        """Remember that the turn is to stop, and who wanted it first; the record as it is now.

        Nothing happens to a turn that has ended. :raises NotFound: unknown, or another's.
        """
        return await self._database.write(lambda c: _stop(c, owner, turn_id, by))

    async def to_stop(self) -> list[tuple[str, str]]:
        """This node's unfinished turns that are to stop, and by whom, oldest first."""
        node = self._node()
        rows = await self._database.read(lambda c: _stopping.all(c, node_=node))
        return [(turn_id, by) for turn_id, by in rows]

    async def ended(self, owner: str, turn_ids: Sequence[str]) -> set[str]:
        """Which of these turns have ended; also those that are unknown, or another's."""
        if not turn_ids:
            return set()
        asked = select(turns.c.turn_id).where(
            (turns.c.owner == owner) & turns.c.turn_id.in_(turn_ids) & UNFINISHED
        )
        found = await self._database.read(lambda c: set(c.execute(asked).scalars()))
        return set(turn_ids) - found

    async def under_way(self, owner: str, session_id: str) -> list[str]:
        """The session's turns that have not ended, oldest first, on whatever node they run."""
        rows = await self._database.read(
            lambda c: _under_way.all(c, owner_=owner, session_=session_id)
        )
        return [row[0] for row in rows]

    async def turn(self, owner: str, turn_id: str) -> TurnRecord:
        """:raises NotFound: unknown, or another's."""
        return await self._database.read(lambda c: find_turn(c, owner, turn_id))

    async def path(self, owner: str, session_id: str, leaf: str | None) -> list[StoredMessage]:
        """The branch that ends in `leaf` (None: the current leaf), oldest first, bounded."""
        now = self._clock()
        return await self._database.read(lambda c: sessions.path(c, owner, session_id, leaf, now))

    async def message(self, owner: str, message_id: str) -> StoredMessage:
        """:raises NotFound: unknown, or another's."""
        return await self._database.read(lambda c: sessions.message(c, owner, message_id))

    async def approval(self, owner: str, call_id: str) -> Approval:
        """:raises NotFound: no such call waits or waited, or it is another's."""
        return await self._database.read(lambda c: approvals.find(c, owner, call_id))

    async def unfinished(self) -> list[Unfinished]:
        """This node's turns without a terminal event, oldest first, with their held events."""
        node = self._node()
        return await self._database.read(lambda c: _unfinished(c, node))


def _unfinished(connection: Connection, node: str) -> list[Unfinished]:
    records = [turn_record(row) for row in _open.all(connection, node_=node)]
    if not records:
        return []
    events: dict[str, list[Stamped]] = defaultdict(list)
    for turn_id, payload in _hot.all(connection, node_=node):
        events[turn_id] += load(payload)
    return [
        Unfinished(record, tuple(events[record.turn_id]), _ahead(connection, record, node))
        for record in records
    ]


def _ahead(connection: Connection, record: TurnRecord, node: str) -> tuple[str, ...]:
    if record.status != "queued":
        return ()
    rows = _before.all(
        connection,
        owner_=record.owner,
        session_=record.session_id,
        node_=node,
        until=record.created_at,
    )
    return tuple(row[0] for row in rows)


def _stop(connection: Connection, owner: str, turn_id: str, by: str) -> TurnRecord:
    _mark.run(connection, turn_=turn_id, owner_=owner, by=by)
    return find_turn(connection, owner, turn_id)
