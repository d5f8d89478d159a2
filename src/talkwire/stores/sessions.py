"""Sessions and their trees of messages, each owner's apart from all others'."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, bindparam, insert, literal, select, update

from talkwire.canon.errors import NotFound
from talkwire.canon.records import NewTurn, StoredMessage
from talkwire.canon.turn import Message
from talkwire.stores.folding import folded
from talkwire.stores.prepared import Prepared
from talkwire.stores.schema import messages, sessions

PATH_LIMIT = 400
"""How many messages of a branch are read at most, counted from its leaf."""

_message = msgspec.json.Decoder(Message)
_encode = msgspec.json.Encoder().encode

_OF_SESSION = (sessions.c.owner == bindparam("owner_")) & (sessions.c.id == bindparam("session_"))
_find = Prepared(select(sessions.c.leaf, sessions.c.expires_at).where(_OF_SESSION))
_create = Prepared(
    insert(sessions).values(
        owner=bindparam("owner"),
        id=bindparam("id"),
        leaf=bindparam("leaf"),
        created_at=bindparam("created_at"),
        updated_at=bindparam("updated_at"),
        ttl_ms=bindparam("ttl_ms"),
        expires_at=bindparam("expires_at"),
    )
)
_touch = Prepared(
    update(sessions)
    .where(_OF_SESSION)
    .values(
        leaf=bindparam("leaf_"),
        updated_at=bindparam("at"),
        ttl_ms=bindparam("ttl"),
        expires_at=bindparam("expires"),
    )
)
_move = Prepared(
    update(sessions)
    .where(_OF_SESSION)
    .values(
        leaf=bindparam("leaf_"),
        updated_at=bindparam("at"),
        expires_at=bindparam("at") + sessions.c.ttl_ms,
    )
)
_add = Prepared(
    insert(messages).values(
        id=bindparam("id"),
        owner=bindparam("owner"),
        session_id=bindparam("session_id"),
        parent_id=bindparam("parent_id"),
        turn_id=bindparam("turn_id"),
        payload=bindparam("payload"),
        created_at=bindparam("created_at"),
        folded=bindparam("folded"),
    )
)
_exists = Prepared(
    select(literal(1)).where(
        (messages.c.id == bindparam("id_"))
        & (messages.c.owner == bindparam("owner_"))
        & (messages.c.session_id == bindparam("session_"))
    )
)


class Opened(NamedTuple):
    """A session as a new turn finds it. `fresh`: there is no history to go on from."""

    leaf: str | None
    fresh: bool


def enter(connection: Connection, new: NewTurn, *, busy: bool) -> Opened:
    """Make the session, or keep it alive; an expired one starts again without its history.

    The old branches of an expired session stay. One with a turn under way does not expire.
    """
    owner, session_id = new.owner, new.request.session_id
    ttl_ms = int(new.session_ttl_s * 1000)
    row = _find.first(connection, owner_=owner, session_=session_id)
    if row is None:
        _create.run(
            connection,
            owner=owner,
            id=session_id,
            leaf=None,
            created_at=new.at,
            updated_at=new.at,
            ttl_ms=ttl_ms,
            expires_at=new.at + ttl_ms,
        )
        return Opened(None, True)
    expired = row[1] <= new.at and not busy
    leaf = None if expired else row[0]
    _touch.run(
        connection,
        owner_=owner,
        session_=session_id,
        leaf_=leaf,
        at=new.at,
        ttl=ttl_ms,
        expires=new.at + ttl_ms,
    )
    return Opened(leaf, expired)


def move(connection: Connection, owner: str, session_id: str, leaf: str, at: int) -> None:
    """Make `leaf` the session's current leaf."""
    _move.run(connection, owner_=owner, session_=session_id, leaf_=leaf, at=at)


def chain(
    connection: Connection,
    batch: Sequence[Message],
    *,
    owner: str,
    session_id: str,
    parent_id: str | None,
    turn_id: str,
    at: int,
) -> str | None:
    """Add messages, each under the one before it; the last one's id."""
    for message in batch:
        _add.run(
            connection,
            id=message.id,
            owner=owner,
            session_id=session_id,
            parent_id=parent_id,
            turn_id=turn_id,
            payload=_encode(message).decode(),
            created_at=at,
            folded=folded(message),
        )
        parent_id = message.id
    return parent_id


def require(connection: Connection, owner: str, session_id: str, message_id: str) -> None:
    """:raises NotFound: no message of this session and owner."""
    if not _exists.first(connection, id_=message_id, owner_=owner, session_=session_id):
        raise NotFound(f"There is no message {message_id!r} in this session.", param="parent_id")


def stored(row: Sequence[Any]) -> StoredMessage:
    """A message from its row: payload, session_id, parent_id, turn_id, created_at."""
    return StoredMessage(_message.decode(row[0]), row[1], row[2], row[3], row[4])


COLUMNS = (
    messages.c.payload,
    messages.c.session_id,
    messages.c.parent_id,
    messages.c.turn_id,
    messages.c.created_at,
)
_one = Prepared(
    select(*COLUMNS).where(
        (messages.c.id == bindparam("id_")) & (messages.c.owner == bindparam("owner_"))
    )
)


def message(connection: Connection, owner: str, message_id: str) -> StoredMessage:
    """:raises NotFound: unknown, or another's."""
    row = _one.first(connection, id_=message_id, owner_=owner)
    if row is None:
        raise NotFound(f"There is no message {message_id!r}.")
    return stored(row)


def _branch() -> Prepared:
    mine = (messages.c.owner == bindparam("owner_")) & (
        messages.c.session_id == bindparam("session_")
    )
    up = (
        select(messages.c.id, messages.c.parent_id, literal(0).label("depth"))
        .where(mine & (messages.c.id == bindparam("leaf_")))
        .cte("branch", recursive=True)
    )
    # By the primary key alone, which a planner without statistics finds too; whose they are is
    # asked once more below.
    above = select(messages.c.id, messages.c.parent_id, up.c.depth + 1).where(
        (messages.c.id == up.c.parent_id) & (up.c.depth < PATH_LIMIT - 1)
    )
    branch = up.union_all(above)
    return Prepared(
        select(*COLUMNS)
        .join(branch, messages.c.id == branch.c.id)
        .where(mine)
        .order_by(branch.c.depth.desc())
    )


_path = _branch()


def path(
    connection: Connection, owner: str, session_id: str, leaf: str | None, now: int
) -> list[StoredMessage]:
    """The branch that ends in `leaf` (None: the current one's), oldest first.

    At most `PATH_LIMIT` messages; an expired session has no current leaf.
    """
    if leaf is None:
        row = _find.first(connection, owner_=owner, session_=session_id)
        if row is None or row[1] <= now:
            return []
        leaf = row[0]
    if not leaf:
        return []
    rows = _path.all(connection, owner_=owner, session_=session_id, leaf_=leaf)
    return [stored(row) for row in rows]
