"""Calls that wait for a person: stored with the end of the turn that asks, claimed once.

Two states are told by what else is stored, so that no turn pays for them. A call has expired by
the database's clock; and it is superseded when its session does not end in the message any more
that the waiting calls follow, since then something else was asked.
"""

from __future__ import annotations

import time

import msgspec
from sqlalchemy import BigInteger, Connection, bindparam, cast, func, insert, select, text, update

from talkwire.canon.errors import AlreadyDecided, Conflict, Gone, NotFound
from talkwire.canon.events import ToolApprovalRequested, TurnCompleted
from talkwire.canon.records import Approval, NewTurn, Outcome, Verdict
from talkwire.canon.tools import Decision
from talkwire.canon.turn import TurnRequest, answer_message_id
from talkwire.stores.prepared import Prepared
from talkwire.stores.schema import approvals, turns

_request = msgspec.json.Decoder(TurnRequest)

_PENDING = approvals.c.state == text("'pending'")
_THIS = (approvals.c.owner == bindparam("owner_")) & (approvals.c.call_id == bindparam("call_"))
_ask = Prepared(
    insert(approvals).values(
        owner=bindparam("owner"),
        call_id=bindparam("call_id"),
        session_id=bindparam("session_id"),
        turn_id=bindparam("turn_id"),
        name=bindparam("name"),
        arguments=bindparam("arguments"),
        state="pending",
        leaf=bindparam("leaf"),
        created_at=bindparam("created_at"),
        expires_at=bindparam("expires_at"),
    )
)
_find = Prepared(
    select(
        approvals.c.call_id,
        approvals.c.session_id,
        approvals.c.turn_id,
        approvals.c.name,
        approvals.c.arguments,
        approvals.c.state,
        approvals.c.expires_at,
        turns.c.request,
        approvals.c.decided_at,
        approvals.c.reason,
        approvals.c.decided_in,
    )
    .join(turns, turns.c.turn_id == approvals.c.turn_id)
    .where(_THIS)
)
_claim = Prepared(
    update(approvals)
    .where(
        _THIS
        & _PENDING
        & (approvals.c.session_id == bindparam("session_"))
        & (approvals.c.leaf == bindparam("leaf_"))
        & (approvals.c.expires_at > bindparam("now"))
    )
    .values(
        state=bindparam("verdict"),
        reason=bindparam("why"),
        decided_at=bindparam("now"),
        decided_in=bindparam("turn_"),
    )
)
# The other calls of the step: who is decided next follows this decision's turn.
_follow = Prepared(
    update(approvals)
    .where(
        (approvals.c.owner == bindparam("owner_"))
        & (approvals.c.turn_id == bindparam("asked_in"))
        & (approvals.c.leaf == bindparam("leaf_"))
        & (approvals.c.expires_at > bindparam("now"))
        & _PENDING
    )
    .values(leaf=bindparam("next_leaf"))
)
_now = select(cast(func.extract("epoch", func.clock_timestamp()) * 1000, BigInteger))


def ask(connection: Connection, outcome: Outcome) -> None:
    """Store what a turn that has ended waits for, if it does."""
    if outcome.terminal != TurnCompleted("approval_required"):
        return
    for stamped in outcome.tail:
        event = stamped.event
        if isinstance(event, ToolApprovalRequested):
            _ask.run(
                connection,
                owner=outcome.owner,
                call_id=event.call_id,
                session_id=outcome.session_id,
                turn_id=outcome.turn_id,
                name=event.name,
                arguments=event.arguments,
                leaf=answer_message_id(outcome.turn_id),
                created_at=stamped.at,
                expires_at=event.expires_at,
            )


def find(connection: Connection, owner: str, call_id: str) -> Approval:
    """:raises NotFound: no such call waits or waited, or it is another's."""
    row = _find.first(connection, owner_=owner, call_=call_id)
    if row is None:
        raise NotFound(f"There is no call {call_id!r} that waits for an approval.")
    call, session_id, turn_id, name, arguments, state, expires_at, request, *decided = row
    return Approval(
        call,
        session_id,
        turn_id,
        name,
        arguments,
        state,
        expires_at,
        _request.decode(request),
        decided_at=decided[0],
        reason=decided[1],
        decided_in=decided[2],
    )


def claim(
    connection: Connection, new: NewTurn, verdict: Verdict, parent_id: str | None
) -> Decision:
    """Decide on a call, for the turn that carries on after `parent_id`. Once.

    The caller holds the session's lock: turns of a session are stored one after the other.

    :raises NotFound: unknown, or another's.
    :raises AlreadyDecided: somebody was first.
    :raises Gone: it has expired. :raises Conflict: something else was asked meanwhile.
    """
    found = find(connection, new.owner, verdict.call_id)
    now = _now_ms(connection)
    if not _claim.run(
        connection,
        owner_=new.owner,
        call_=verdict.call_id,
        session_=new.request.session_id,
        leaf_=parent_id,
        now=now,
        verdict="approved" if verdict.approved else "denied",
        why=verdict.reason,
        turn_=new.turn_id,
    ):
        raise _refusal(found, now)
    others = _follow.run(
        connection,
        owner_=new.owner,
        asked_in=found.turn_id,
        leaf_=parent_id,
        now=now,
        next_leaf=answer_message_id(new.turn_id),
    )
    return Decision(
        found.call_id,
        found.name,
        found.arguments,
        verdict.approved,
        found.turn_id,
        reason=verdict.reason,
        more=others > 0,
    )


def _refusal(found: Approval, now: int) -> Conflict | Gone:
    if found.decided_in is not None:
        said = "approved" if found.state == "approved" else "refused"
        return AlreadyDecided(f"This call was {said} already.", turn_id=found.decided_in)
    if found.expires_at <= now:
        return Gone("The time to decide on this call is over.", code="approval_expired")
    return Conflict(
        "Something else was asked in this session meanwhile.", code="approval_superseded"
    )


def _now_ms(connection: Connection) -> int:
    """The database's own time; that of SQLite is this machine's."""
    if connection.dialect.name == "sqlite":
        return time.time_ns() // 1_000_000
    return int(connection.execute(_now).scalar_one())
