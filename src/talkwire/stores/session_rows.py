"""Sessions as rows, and as the values that they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, select

from talkwire.canon.errors import NotFound
from talkwire.canon.sessions import Session, Whose
from talkwire.canon.turn import Message
from talkwire.stores.schema import messages, sessions

LAST_CHARS = 200
_message = msgspec.json.Decoder(Message)
_object = msgspec.json.Decoder(dict[str, Any])

SESSION = (
    sessions.c.id,
    sessions.c.owner,
    sessions.c.created_at,
    sessions.c.updated_at,
    sessions.c.expires_at,
    sessions.c.title,
    sessions.c.user_label,
    sessions.c.agent_id,
    sessions.c.prompt,
    sessions.c.metadata,
    sessions.c.archived,
    messages.c.payload,
)
WITH_LAST = sessions.outerjoin(
    messages, (messages.c.id == sessions.c.leaf) & (messages.c.owner == sessions.c.owner)
)


def session(row: Sequence[Any]) -> Session:
    """A session from its row, whose columns are `SESSION` in this order."""
    session_id, owner, created_at, updated_at, expires_at = row[:5]
    title, label, agent, prompt, metadata, archived, payload = row[5:]
    return Session(
        session_id,
        owner,
        created_at,
        updated_at,
        expires_at,
        title,
        label,
        agent,
        prompt,
        metadata_of(metadata),
        bool(archived),
        last(payload),
    )


def metadata_of(text: str | None) -> dict[str, Any]:
    """What is in the column `metadata`."""
    return {} if text is None else _object.decode(text)


def last(payload: str | None) -> str:
    """The beginning of a message's text, "" where there is no message."""
    return "" if payload is None else _message.decode(payload).text[:LAST_CHARS]


def find(connection: Connection, owner: str, session_id: str, now: int) -> Session:
    """:raises NotFound: unknown, expired, or another's: all alike."""
    asked = select(*SESSION).select_from(WITH_LAST).where(mine(owner, session_id, now))
    row = connection.execute(asked).first()
    if row is None:
        raise missing()
    return session(row)


def missing() -> NotFound:
    """What is said of every session that is not there for whoever asks."""
    return NotFound("There is no such session.", param="session_id")


def mine(owner: str, session_id: str, now: int) -> ColumnElement[bool]:
    """One session of an owner, as long as it has not expired."""
    return (
        (sessions.c.owner == owner) & (sessions.c.id == session_id) & (sessions.c.expires_at > now)
    )


def of(whose: Whose) -> ColumnElement[bool]:
    """The rows of `sessions` that are meant. :raises ValueError: everybody's, whoever they are."""
    if whose.owner is not None:
        owned = sessions.c.owner == whose.owner
        return owned if whose.user is None else owned & (sessions.c.user_label == whose.user)
    if whose.user is None:
        raise ValueError("sessions have to be somebody's")
    return (sessions.c.owner == whose.user) | (sessions.c.user_label == whose.user)
