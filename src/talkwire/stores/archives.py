"""Whole sessions, taken out of the database and brought in again.

What is brought in gets ids of this database's own: an archive has none. They sort as the archive's
messages do, so that what is taken out again is the same to the byte.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, func, insert, literal, select

from talkwire.canon.records import StoredMessage
from talkwire.canon.sessions import Archive, ArchivedMessage, Session
from talkwire.canon.turn import Message, answer_message_id, input_message_id
from talkwire.stores.editing import described, titled
from talkwire.stores.folding import folded
from talkwire.stores.schema import messages, sessions, turns
from talkwire.stores.session_rows import find, mine
from talkwire.stores.sessions import COLUMNS, stored

_encode = msgspec.json.Encoder().encode
_DIGITS = "0123456789abcdefghijklmnopqrstuv"
_COUNTED = 6  # digits of an id that number an archive's turns


def sizes(
    connection: Connection, owner: str, session_ids: Sequence[str], now: int
) -> dict[str, int]:
    """About how many bytes each of these sessions is, in one statement; those that are there."""
    size = func.coalesce(func.sum(func.length(messages.c.payload)), 0)
    asked = (
        select(sessions.c.id, size)
        .outerjoin(
            messages,
            (messages.c.owner == sessions.c.owner) & (messages.c.session_id == sessions.c.id),
        )
        .where(
            (sessions.c.owner == owner)
            & sessions.c.id.in_(session_ids)
            & (sessions.c.expires_at > now)
        )
        .group_by(sessions.c.id)
    )
    return {row[0]: int(row[1]) for row in connection.execute(asked)}


def take(connection: Connection, owner: str, session_id: str, now: int) -> Archive:
    """A session with all its branches: those of turns that have begun, as far as they are stored.

    :raises NotFound: unknown, expired, or another's.
    """
    told = find(connection, owner, session_id, now)
    leaf = connection.execute(
        select(sessions.c.leaf).where(mine(owner, session_id, now))
    ).scalar_one()
    asked = select(*COLUMNS).where(
        (messages.c.owner == owner) & (messages.c.session_id == session_id)
    )
    rows = [stored(tuple(row)) for row in connection.execute(asked)]
    archived, numbers = _numbered(rows)
    return Archive(
        session_id=session_id,
        created_at=told.created_at,
        updated_at=told.updated_at,
        messages=tuple(archived),
        leaf=numbers.get(leaf),
        title=told.title,
        label=told.label,
        agent=told.agent,
        prompt=told.prompt,
        metadata=told.metadata,
        archived=told.archived,
    )


def _numbered(rows: Sequence[StoredMessage]) -> tuple[list[ArchivedMessage], dict[str, int]]:
    """The messages in the order of the tree, and the number of each by its id.

    Those are left out that no root leads to: questions that wait for an answer above them.
    """
    below: dict[str | None, list[StoredMessage]] = defaultdict(list)
    for row in rows:
        below[row.parent_id].append(row)
    for siblings in below.values():
        siblings.sort(key=lambda each: (each.created_at, each.message.id), reverse=True)
    found: list[ArchivedMessage] = []
    numbers: dict[str, int] = {}
    numbered: dict[str, int] = {}
    left = below.pop(None, [])
    while left:
        each = left.pop()
        turn = numbered.setdefault(each.turn_id, len(numbered))
        parent = None if each.parent_id is None else numbers[each.parent_id]
        numbers[each.message.id] = len(found)
        found.append(ArchivedMessage(replace(each.message, id=""), parent, turn, each.created_at))
        left += below.pop(each.message.id, [])
    return found, numbers


def bring(
    connection: Connection, owner: str, given: Archive, *, fresh: str, now: int, ttl_ms: int
) -> Session:
    """Store an archive as a session of this owner, under its own id where that is free, else under
    `fresh`, which ends in 26 characters that were never an id. The caller holds the lock of the
    archive's own id.
    """
    taken = _is_taken(connection, owner, given.session_id)
    session_id = fresh if taken else given.session_id
    ids = message_ids(given.messages, fresh[-26:])
    connection.execute(
        insert(sessions).values(
            owner=owner,
            id=session_id,
            leaf=None if given.leaf is None else ids[given.leaf][1],
            created_at=given.created_at,
            updated_at=given.updated_at,
            ttl_ms=ttl_ms,
            expires_at=now + ttl_ms,
            agent_id=given.agent,
            prompt=given.prompt,
            user_label=given.label,
            archived=given.archived,
            **titled(given.title),
            **described(given.metadata),
        )
    )
    if given.messages:
        rows = _rows(given.messages, ids)
        connection.execute(
            insert(messages), [{"owner": owner, "session_id": session_id, **row} for row in rows]
        )
    return find(connection, owner, session_id, now)


def _is_taken(connection: Connection, owner: str, session_id: str) -> bool:
    """Something bears the name: a session, be it expired, or turns that were not kept."""
    return any(
        connection.execute(
            select(literal(1)).where((table.c.owner == owner) & (column == session_id)).limit(1)
        ).first()
        for table, column in ((sessions, sessions.c.id), (turns, turns.c.session_id))
    )


def message_ids(given: Sequence[ArchivedMessage], seed: str) -> list[tuple[str, str]]:
    """The ids of each message's turn and its own, in the form that turns made here have; made of
    `seed` alone, 26 characters. Later turns have later ids.
    """
    last = {each.turn: number for number, each in enumerate(given)}
    counted: dict[int, int] = defaultdict(int)
    ids: list[tuple[str, str]] = []
    for number, each in enumerate(given):
        turn_id = f"t_{seed[:-_COUNTED]}{_digits(each.turn)}"
        nth = counted[each.turn]
        counted[each.turn] += 1
        if nth == 0 and each.message.role == "user":
            ids.append((turn_id, input_message_id(turn_id)))
        elif number == last[each.turn]:
            ids.append((turn_id, answer_message_id(turn_id)))
        else:
            ids.append((turn_id, f"{answer_message_id(turn_id)}_{nth}"))
    return ids


def _digits(number: int) -> str:
    return "".join(_DIGITS[number >> shift & 31] for shift in range(5 * (_COUNTED - 1), -1, -5))


def _rows(given: Sequence[ArchivedMessage], ids: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    rows = []
    for each, (turn_id, message_id) in zip(given, ids, strict=True):
        message: Message = replace(each.message, id=message_id)
        rows.append(
            {
                "id": message_id,
                "parent_id": None if each.parent is None else ids[each.parent][1],
                "turn_id": turn_id,
                "payload": _encode(message).decode(),
                "created_at": each.at,
                "folded": folded(message),
            }
        )
    return rows
