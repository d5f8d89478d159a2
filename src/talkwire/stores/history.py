"""A session's branch in pages, from its root on, however long it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, func, literal, select

from talkwire.canon.records import Usage
from talkwire.canon.sessions import HistoryAsked, HistoryEntry, HistoryPage
from talkwire.canon.turn import answer_message_id, input_message_id
from talkwire.stores.schema import messages, sessions, turns
from talkwire.stores.session_rows import mine, missing
from talkwire.stores.sessions import COLUMNS, stored

MOST = 1_000_000
"""Where a walk up a branch ends, be it a loop in a broken tree."""


class _Request(msgspec.Struct):
    agent: str | None = None
    metadata: str = ""


_request = msgspec.json.Decoder(_Request)


def page(
    connection: Connection, owner: str, session_id: str, asked: HistoryAsked, now: int
) -> HistoryPage:
    """:raises NotFound: there is no such session, or it has expired, or is another's."""
    found = select(sessions.c.leaf).where(mine(owner, session_id, now))
    row = connection.execute(found).first()
    if row is None:
        raise missing()
    leaf = row[0] if asked.leaf is None else asked.leaf
    if leaf is None:
        return HistoryPage((), None, 0)
    rows: Sequence[Any] = connection.execute(_branch(owner, session_id, leaf, asked)).fetchall()
    total = rows[0].total if rows else 0
    return HistoryPage(tuple(map(_entry, rows)), leaf, total)


def _branch(owner: str, session_id: str, leaf: str, asked: HistoryAsked) -> Any:
    of_session = (messages.c.owner == owner) & (messages.c.session_id == session_id)
    up = (
        select(messages.c.id, messages.c.parent_id, literal(0).label("depth"))
        .where(of_session & (messages.c.id == leaf))
        .cte("branch", recursive=True)
    )
    # As in `sessions`: by the primary key alone, and whose they are is asked once more below.
    above = select(messages.c.id, messages.c.parent_id, up.c.depth + 1).where(
        (messages.c.id == up.c.parent_id) & (up.c.depth < MOST - 1)
    )
    branch = up.union_all(above)
    place = (
        select(branch.c.id, branch.c.depth)
        .order_by(branch.c.depth.desc())
        .limit(asked.limit)
        .offset(asked.position)
        .subquery("place")
    )
    total = select(func.count()).select_from(branch).scalar_subquery().label("total")
    told = (turns.c.request, turns.c.status, turns.c.input_tokens, turns.c.output_tokens)
    return (
        select(*COLUMNS, *told, turns.c.estimated, turns.c.cost, total)
        .join(place, messages.c.id == place.c.id)
        .outerjoin(turns, (turns.c.turn_id == messages.c.turn_id) & (turns.c.owner == owner))
        .where(of_session)
        .order_by(place.c.depth.desc())
    )


def _entry(row: Sequence[Any]) -> HistoryEntry:
    message = stored(row[:5])
    request, status, tokens_in, tokens_out, estimated, cost = row[5:11]
    if request is None:  # the turn was on another server
        return HistoryEntry(message)
    usage = None
    if tokens_in is not None and message.message.id == answer_message_id(message.turn_id):
        usage = Usage(tokens_in, tokens_out, bool(estimated), cost)
    asked = _request.decode(request)
    is_question = message.message.id == input_message_id(message.turn_id)
    metadata = asked.metadata if is_question else ""
    return HistoryEntry(message, asked.agent, status, usage, metadata)
