"""Sessions, their messages and sums as this wire tells them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from talkwire.canon.agents import ASSISTANT
from talkwire.canon.sessions import HistoryEntry, HistoryPage, Session, SessionStats
from talkwire.web.told import arguments_of, rfc3339
from talkwire.wires.agent_chat.answer import usage
from talkwire.wires.agent_chat.sessions_decode import history_cursor, sessions_cursor


def session(told: Session) -> dict[str, Any]:
    """One session."""
    return {
        "session_id": told.session_id,
        "title": told.title,
        "user_id": told.label,
        "agent_id": told.agent,
        "system_prompt_name": told.prompt,
        "metadata": told.metadata,
        "archived": told.archived,
        "created_at": rfc3339(told.created_at),
        "updated_at": rfc3339(told.updated_at),
        "expires_at": rfc3339(told.expires_at),
    }


def sessions(found: Sequence[Session], limit: int) -> dict[str, Any]:
    """A page of a list; one more than `limit` says that others follow."""
    cursor = None
    if len(found) > limit:
        last = found[limit - 1]
        cursor = sessions_cursor(last.updated_at, last.session_id, last.owner)
    rows = [
        {**session(each), "owner": each.owner, "last_message": each.last} for each in found[:limit]
    ]
    return {"sessions": rows, "next_cursor": cursor}


def history(session_id: str, page: HistoryPage, position: int) -> dict[str, Any]:
    """A page of a branch that begins at `position`."""
    after = position + len(page.entries)
    cursor = None
    if page.leaf is not None and len(page.entries) > 0 and after < page.total:
        cursor = history_cursor(page.leaf, after)
    return {
        "session_id": session_id,
        "messages": [_message(entry) for entry in page.entries],
        "total": page.total,
        "next_cursor": cursor,
    }


def _message(entry: HistoryEntry) -> dict[str, Any]:
    stored, message = entry.stored, entry.stored.message
    known = entry.status is not None
    return {
        "message_id": message.id,
        "parent_id": stored.parent_id,
        "turn_id": stored.turn_id,
        "role": message.role,
        "content": message.text,
        "agent_id": (entry.agent or ASSISTANT) if known else None,
        "model": message.model,
        "tool_calls": [
            {"call_id": c.call_id, "name": c.name, "arguments": arguments_of(c.arguments)}
            for c in message.calls
        ],
        "tool_call_id": message.call_id,
        "usage": None if entry.usage is None else usage(entry.usage),
        "metadata": msgspec.json.decode(entry.metadata) if entry.metadata else {},
        "status": entry.status,
        "incomplete": message.incomplete,
        "finish_reason": message.finish_reason,
        "created_at": rfc3339(stored.created_at),
    }


def stats(user_id: str, told: SessionStats) -> dict[str, Any]:
    """Sums; durations in seconds."""
    return {
        "user_id": user_id,
        "sessions": told.sessions,
        "messages": told.messages,
        "turns": told.turns,
        "input_tokens": told.input_tokens,
        "output_tokens": told.output_tokens,
        "total_tokens": told.input_tokens + told.output_tokens,
        "cost": told.cost,
        "first_activity": None if told.first_at is None else rfc3339(told.first_at),
        "last_activity": None if told.last_at is None else rfc3339(told.last_at),
        "average_answer_s": None if told.average_ms is None else round(told.average_ms / 1000, 6),
        "p95_answer_s": None if told.p95_ms is None else told.p95_ms / 1000,
        "voice_s": told.voice_ms / 1000,
    }
