"""What is stored of somebody's sessions, in sums: one statement over their rows alone."""

from __future__ import annotations

from typing import Any, get_args

from sqlalchemy import CTE, Connection, Select, case, func, select

from talkwire.canon.errors import NotFound
from talkwire.canon.records import Status
from talkwire.canon.sessions import SessionStats, Whose
from talkwire.stores.schema import messages, sessions, turns
from talkwire.stores.session_rows import of

_STATUSES: tuple[Status, ...] = get_args(Status)


def stats(connection: Connection, whose: Whose) -> SessionStats:
    """Expired and archived sessions count as well.

    :raises NotFound: there is no session of a user who is not the owner.
    """
    row = connection.execute(_sums(whose)).one()
    if row.sessions == 0 and whose.user is not None:
        raise NotFound("There is no such user.", param="user_id")
    return SessionStats(
        sessions=row.sessions,
        messages=row.messages,
        turns={status: row[at] for at, status in enumerate(_STATUSES)},
        input_tokens=int(row.input_tokens),
        output_tokens=int(row.output_tokens),
        cost=row.cost,
        first_at=row.first_at,
        last_at=row.last_at,
        average_ms=None if row.average_ms is None else float(row.average_ms),
        p95_ms=row.p95_ms,
        voice_ms=int(row.voice_ms),
    )


def _sums(whose: Whose) -> Any:
    theirs = (
        select(sessions.c.owner, sessions.c.id, sessions.c.created_at, sessions.c.updated_at)
        .where(of(whose))
        .cte("theirs")
    )
    asked = (
        select(
            turns.c.status,
            turns.c.input_tokens,
            turns.c.output_tokens,
            turns.c.cost,
            turns.c.voice_ms,
            (turns.c.ended_at - turns.c.created_at).label("took"),
        )
        .join(theirs, (turns.c.owner == theirs.c.owner) & (turns.c.session_id == theirs.c.id))
        .cte("asked")
    )
    said = (
        select(func.count())
        .select_from(messages)
        .join(theirs, (messages.c.owner == theirs.c.owner) & (messages.c.session_id == theirs.c.id))
    )
    completed = asked.c.status == "completed"
    return select(
        *(func.count(case((asked.c.status == status, 1))) for status in _STATUSES),
        func.coalesce(func.sum(asked.c.input_tokens), 0).label("input_tokens"),
        func.coalesce(func.sum(asked.c.output_tokens), 0).label("output_tokens"),
        func.sum(asked.c.cost).label("cost"),
        func.coalesce(func.sum(asked.c.voice_ms), 0).label("voice_ms"),
        func.avg(case((completed, asked.c.took))).label("average_ms"),
        _p95(asked).scalar_subquery().label("p95_ms"),
        said.scalar_subquery().label("messages"),
        _one(theirs, func.count()).label("sessions"),
        _one(theirs, func.min(theirs.c.created_at)).label("first_at"),
        _one(theirs, func.max(theirs.c.updated_at)).label("last_at"),
    ).select_from(asked)


def _p95(asked: CTE) -> Select[Any]:
    """The nearest rank: of n in order, the one at ceil(0.95 n), in whole numbers."""
    ranked = (
        select(
            asked.c.took,
            func.row_number().over(order_by=asked.c.took).label("place"),
            func.count().over().label("count"),
        )
        .where(asked.c.status == "completed")
        .subquery("ranked")
    )
    enough = ranked.c.place * 100 >= ranked.c.count * 95
    return select(func.min(ranked.c.took)).where(enough)


def _one(theirs: CTE, figure: Any) -> Any:
    return select(figure).select_from(theirs).scalar_subquery()
