"""How sessions are made and changed by their owners, apart from what is said in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection, insert, update

from talkwire.canon.sessions import NewSession, Session, SessionChange
from talkwire.stores.folding import fold
from talkwire.stores.schema import sessions
from talkwire.stores.session_rows import find, mine, missing

_encode = msgspec.json.Encoder().encode


def create(connection: Connection, new: NewSession) -> Session:
    """Store a session that nothing was said in yet. Its id is nobody else's: it was just made."""
    connection.execute(
        insert(sessions).values(
            owner=new.owner,
            id=new.session_id,
            created_at=new.at,
            updated_at=new.at,
            ttl_ms=new.ttl_ms,
            expires_at=new.at + new.ttl_ms,
            agent_id=new.agent,
            prompt=new.prompt,
            user_label=new.label,
            **titled(new.title),
            **described(new.metadata),
        )
    )
    return find(connection, new.owner, new.session_id, new.at)


def change(
    connection: Connection, owner: str, session_id: str, wanted: SessionChange, now: int
) -> Session:
    """Change a session; it stays where it is in lists, since nothing was said.

    :raises NotFound: unknown, expired, or another's.
    """
    values: dict[str, Any] = {}
    if wanted.title is not UNSET:
        values |= titled(wanted.title)
    if wanted.metadata is not UNSET:
        values |= described(wanted.metadata)
    if wanted.archived is not UNSET:
        values["archived"] = wanted.archived
    if values:
        there = update(sessions).where(mine(owner, session_id, now)).values(values)
        if not connection.execute(there).rowcount:
            raise missing()
    return find(connection, owner, session_id, now)


def archive(
    connection: Connection, owner: str, session_ids: Sequence[str], archived: bool, now: int
) -> set[str]:
    """Archive these sessions, or take them back, in one statement; those that are there."""
    there = (
        update(sessions)
        .where(
            (sessions.c.owner == owner)
            & sessions.c.id.in_(session_ids)
            & (sessions.c.expires_at > now)
        )
        .values(archived=archived)
        .returning(sessions.c.id)
    )
    return set(connection.execute(there).scalars())


def titled(title: str | None) -> dict[str, str | None]:
    """The columns of a title."""
    return {"title": title, "title_folded": None if title is None else fold(title)}


def described(metadata: dict[str, Any]) -> dict[str, str | None]:
    """The column of the metadata; None of which there is none."""
    return {"metadata": _encode(metadata).decode() if metadata else None}
