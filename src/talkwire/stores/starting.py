"""How a turn is accepted: all of it in one transaction, or nothing."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, select, update

from talkwire.canon.errors import Busy, IdempotencyMismatch
from talkwire.canon.events import Stamped, TurnStarted, dump
from talkwire.canon.records import Idempotency, NewTurn, Started, TurnRecord, session_lock
from talkwire.canon.tools import Decision
from talkwire.canon.turn import Message, answer_message_id, input_message_id
from talkwire.stores import approvals, sessions
from talkwire.stores.prepared import Prepared, Row
from talkwire.stores.rows import find_turn
from talkwire.stores.schema import UNFINISHED, idempotency, turn_events, turns

_encode = msgspec.json.Encoder().encode


class _Kept(msgspec.Struct):
    """What of a stored request says whether the turn is one of its session's."""

    keep: bool = True


_kept = msgspec.json.Decoder(_Kept)

_key = Prepared(
    select(idempotency.c.fingerprint, idempotency.c.turn_id, idempotency.c.expires_at).where(
        (idempotency.c.owner == bindparam("owner_")) & (idempotency.c.key == bindparam("key_"))
    )
)
_forget_key = Prepared(
    delete(idempotency).where(
        (idempotency.c.owner == bindparam("owner_")) & (idempotency.c.key == bindparam("key_"))
    )
)
_keep_key = Prepared(
    insert(idempotency).values(
        {column.name: bindparam(column.name) for column in idempotency.columns}
    )
)
_ahead = Prepared(
    select(turns.c.turn_id, turns.c.request)
    .where(
        (turns.c.owner == bindparam("owner_"))
        & (turns.c.session_id == bindparam("session_"))
        & UNFINISHED
    )
    .order_by(turns.c.first_event_id)
)
_interrupt = Prepared(
    update(turns)
    .where(
        (turns.c.owner == bindparam("owner_"))
        & (turns.c.session_id == bindparam("session_"))
        & turns.c.stop_by.is_(None)
        & UNFINISHED
    )
    .values(stop_by="interrupt")
)
_event = Prepared(
    insert(turn_events)
    .values(
        turn_id=bindparam("turn_id"),
        first_n=0,
        count=bindparam("count"),
        payload=bindparam("payload"),
    )
    .returning(turn_events.c.id)
)
_STORED = (
    "turn_id",
    "owner",
    "session_id",
    "wire",
    "status",
    "node",
    "first_event_id",
    "request",
    "created_at",
    "started_at",
    "key_id",
)
_turn = Prepared(insert(turns).values({name: bindparam(name) for name in _STORED}))


def locks(new: NewTurn) -> tuple[str, ...]:
    """What no two starts may have in common at the same time: the session, and the key.

    What is read here decides what is written, and often there is no row yet that could be locked.
    """
    session = session_lock(new.owner, new.request.session_id)
    if new.idempotency is None:
        return (session,)
    return session, f"key/{new.owner}/{new.idempotency.key}"


def start(connection: Connection, new: NewTurn, node: str) -> Started:
    """Accept a turn; see the port `Records`. The caller holds its `locks`.

    :raises IdempotencyMismatch: the key is known with another fingerprint.
    :raises Busy: the session has an unfinished turn and `on_busy` leaves no room.
    :raises NotFound: `parent_id` is no message of this session and owner.
    :raises NotFound, Conflict, Gone: the call of a verdict cannot be decided; see `approvals`.
    """
    there = _known(connection, new)
    if there is not None:
        return Started(there, fresh=False)
    request = new.request
    if not request.keep:
        return _apart(connection, new, node)
    rows = _ahead.all(connection, owner_=new.owner, session_=request.session_id)
    ahead = tuple(str(row[0]) for row in rows if _kept.decode(row[1]).keep)
    _make_room(new, ahead)
    if ahead and new.on_busy == "interrupt":
        _interrupt.run(connection, owner_=new.owner, session_=request.session_id)
    opened = sessions.enter(connection, new, busy=bool(ahead))
    parent_id = _parent(connection, new, ahead, opened.leaf)
    if request.parts:
        asked = Message(input_message_id(new.turn_id), "user", request.parts)
        parent_id = sessions.chain(
            connection,
            [asked],
            owner=new.owner,
            session_id=request.session_id,
            parent_id=parent_id,
            turn_id=new.turn_id,
            at=new.at,
        )
    decision = None
    if new.verdict is not None:
        decision = approvals.claim(connection, new, new.verdict, parent_id)
    events = _store(connection, new, node, parent_id, queued=bool(ahead), decision=decision)
    record = _record(new, node, queued=bool(ahead))
    return Started(record, fresh=True, events=events, ahead=ahead, new_session=opened.fresh)


def _apart(connection: Connection, new: NewTurn, node: str) -> Started:
    """A turn that leaves its session as it is, also where there is none of that name yet."""
    events = _store(connection, new, node, None, queued=False)
    return Started(_record(new, node, queued=False), fresh=True, events=events)


def _record(new: NewTurn, node: str, *, queued: bool) -> TurnRecord:
    return TurnRecord(
        turn_id=new.turn_id,
        session_id=new.request.session_id,
        owner=new.owner,
        wire=new.request.wire,
        status="queued" if queued else "running",
        created_at=new.at,
        started_at=None if queued else new.at,
        node=node,
        key_id=new.key_id,
    )


def known(connection: Connection, owner: str, wanted: Idempotency, at: int) -> TurnRecord | None:
    """The turn that the key names at a time, if there is one.

    :raises IdempotencyMismatch: the key is known with another fingerprint.
    """
    row = _key.first(connection, owner_=owner, key_=wanted.key)
    return _named(connection, owner, wanted, row) if row is not None and row[2] > at else None


def _named(connection: Connection, owner: str, wanted: Idempotency, row: Row) -> TurnRecord:
    if row[0] != wanted.fingerprint:
        raise IdempotencyMismatch("This Idempotency-Key was used with another request.")
    return find_turn(connection, owner, row[1])


def _known(connection: Connection, new: NewTurn) -> TurnRecord | None:
    """The turn that the key names already; else the key is kept for the new one."""
    wanted = new.idempotency
    if wanted is None:
        return None
    row = _key.first(connection, owner_=new.owner, key_=wanted.key)
    if row is not None and row[2] > new.at:
        return _named(connection, new.owner, wanted, row)
    if row is not None:
        _forget_key.run(connection, owner_=new.owner, key_=wanted.key)
    _keep_key.run(
        connection,
        owner=new.owner,
        key=wanted.key,
        fingerprint=wanted.fingerprint,
        turn_id=new.turn_id,
        expires_at=new.at + int(wanted.ttl_s * 1000),
    )
    return None


def _make_room(new: NewTurn, ahead: tuple[str, ...]) -> None:
    if not ahead or new.on_busy == "interrupt":
        return
    if new.on_busy == "reject":
        raise Busy("This session has a running turn.", turn_id=ahead[0])
    if len(ahead) - 1 >= new.max_waiting:
        waiting = f"{new.max_waiting} turns wait"
        raise Busy(f"This session has a running turn, and {waiting} already.", turn_id=ahead[0])


def _parent(
    connection: Connection, new: NewTurn, ahead: tuple[str, ...], leaf: str | None
) -> str | None:
    """The message that the turn hangs on; a waiting turn follows the answer it waits for."""
    asked = new.request.parent_id if new.verdict is None else None
    if asked == "":
        return None
    if asked is None:
        return answer_message_id(ahead[-1]) if ahead else leaf
    if asked not in map(answer_message_id, ahead):
        sessions.require(connection, new.owner, new.request.session_id, asked)
    return asked


def _store(
    connection: Connection,
    new: NewTurn,
    node: str,
    parent_id: str | None,
    *,
    queued: bool,
    decision: Decision | None = None,
) -> tuple[Stamped, ...]:
    request = new.request
    session_id, wire = request.session_id, request.wire
    event = TurnStarted(new.turn_id, session_id, wire, request, parent_id, decision)
    events = [Stamped(0, new.at, event)]
    if new.route is not None:
        events.append(Stamped(1, new.at, new.route))
    (row,) = _event.all(
        connection, turn_id=new.turn_id, count=len(events), payload=dump(events).decode()
    )
    _turn.run(
        connection,
        turn_id=new.turn_id,
        owner=new.owner,
        session_id=request.session_id,
        wire=request.wire,
        status="queued" if queued else "running",
        node=node,
        first_event_id=row[0],
        # What a context holds is given, not kept: only the turn's log has it, for a while.
        request=_encode(msgspec.structs.replace(request, context=())).decode(),
        created_at=new.at,
        started_at=None if queued else new.at,
        key_id=new.key_id,
    )
    return tuple(events)
