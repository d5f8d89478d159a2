"""How a session is deleted: all that is stored of it, in one transaction, or nothing.

What it has used stays in `usage`: that is billed, and holds no word of what was said.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, bindparam, delete, literal, select

from talkwire.canon.errors import Busy, NotFound
from talkwire.canon.sessions import Deleted
from talkwire.stores.prepared import Prepared
from talkwire.stores.schema import (
    approvals,
    idempotency,
    messages,
    sessions,
    tool_results,
    turn_events,
    turn_logs,
    turns,
)

_AT_ONCE = 5_000  # turns of one statement: SQLite takes 32,766 values in one

_is_there = Prepared(
    select(literal(1)).where(
        (sessions.c.owner == bindparam("owner_")) & (sessions.c.id == bindparam("session_"))
    )
)
_turns = Prepared(
    select(turns.c.turn_id, turns.c.status, turns.c.first_event_id)
    .where((turns.c.owner == bindparam("owner_")) & (turns.c.session_id == bindparam("session_")))
    .order_by(turns.c.first_event_id)
)
_OF_SESSION = (
    (tool_results, tool_results.c.session_id),
    (messages, messages.c.session_id),
    (turns, turns.c.session_id),
    (sessions, sessions.c.id),
)
_by_session = [
    Prepared(
        delete(table).where(
            (table.c.owner == bindparam("owner_")) & (column == bindparam("session_"))
        )
    )
    for table, column in _OF_SESSION
]


def delete_session(connection: Connection, owner: str, session_id: str) -> list[str]:
    """Delete a session, be it expired; the ids of its turns, oldest first.

    Those are its turns too that were not kept: they bear its name, and nothing else may be there
    of it. The caller holds the session's lock: a turn that starts is before this, and is deleted
    or in the way, or comes after it and begins a new session.

    :raises Busy: a turn of it has not ended. Nothing was deleted: its end would be stored in a
        session that is not there.
    :raises NotFound: nothing is stored of it, or it is another's.
    """
    found = _turns.all(connection, owner_=owner, session_=session_id)
    for turn_id, status, _ in found:
        if status in ("queued", "running"):
            raise Busy("This session has a running turn.", turn_id=turn_id)
    if not found and _is_there.first(connection, owner_=owner, session_=session_id) is None:
        raise NotFound("There is no such session.", param="session_id")
    turn_ids = [str(row[0]) for row in found]
    for at in range(0, len(turn_ids), _AT_ONCE):
        _delete_turns(connection, owner, turn_ids[at : at + _AT_ONCE], found[at][2])
    for statement in _by_session:
        statement.run(connection, owner_=owner, session_=session_id)
    return turn_ids


def delete_sessions(connection: Connection, owner: str, session_ids: Sequence[str]) -> Deleted:
    """As `delete_session`, of many in a few statements; where a turn runs, nothing is deleted."""
    mine = (turns.c.owner == owner) & turns.c.session_id.in_(session_ids)
    asked = (
        select(turns.c.turn_id, turns.c.session_id, turns.c.status, turns.c.first_event_id)
        .where(mine)
        .order_by(turns.c.first_event_id)
    )
    found = connection.execute(asked).fetchall()
    there = select(sessions.c.id).where(
        (sessions.c.owner == owner) & sessions.c.id.in_(session_ids)
    )
    known = {row.session_id for row in found} | set(connection.execute(there).scalars())
    busy = {row.session_id for row in found if row.status in ("queued", "running")}
    gone = sorted(known - busy)
    ended = [row for row in found if row.session_id not in busy]
    for at in range(0, len(ended), _AT_ONCE):
        piece = ended[at : at + _AT_ONCE]
        _delete_turns(connection, owner, [row.turn_id for row in piece], piece[0].first_event_id)
    for table, column in _OF_SESSION if gone else ():
        connection.execute(delete(table).where((table.c.owner == owner) & column.in_(gone)))
    return Deleted(tuple(row.turn_id for row in ended), frozenset(gone), frozenset(busy))


def _delete_turns(connection: Connection, owner: str, turn_ids: list[str], first: int) -> None:
    """All that names these turns, the oldest of which has its first event at `first`."""
    hot: ColumnElement[bool] = turn_events.c.turn_id.in_(turn_ids)
    if connection.dialect.name == "sqlite":  # no index by turn there, and few rows; see `schema`
        hot &= turn_events.c.id >= first
    mine = approvals.c.owner == owner
    connection.execute(delete(turn_events).where(hot))
    connection.execute(delete(turn_logs).where(turn_logs.c.turn_id.in_(turn_ids)))
    connection.execute(delete(approvals).where(mine & approvals.c.turn_id.in_(turn_ids)))
    connection.execute(delete(idempotency).where(idempotency.c.turn_id.in_(turn_ids)))
