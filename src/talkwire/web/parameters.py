"""The names and headers that many operations share, for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Parameter = Mapping[str, Any]

TURN_ID = "t_06gvngn5rqp5rtpsns4g0lle2g"
SESSION_ID = "s_06gvngn5rqp5rtpsns4g0lle2g"
REQUEST_ID = "req_06gvngn5rqp5rtpsns4g0lle2g"
CURSOR = r"^t_[0-9a-z]{26}:[0-9]{1,10}$"

PATHS: Mapping[str, Mapping[str, Any]] = {
    "turn_id": {
        "description": "The turn, as the answer to its start names it.",
        "schema": {"type": "string", "pattern": r"^t_[0-9a-z]{26}$"},
        "example": TURN_ID,
    },
    "session_id": {
        "description": "The conversation.",
        "schema": {"type": "string", "pattern": r"^[A-Za-z0-9._:@-]{1,128}$"},
        "example": SESSION_ID,
    },
    "message_id": {
        "description": "The message; a user's ends in `_in`.",
        "schema": {"type": "string", "pattern": r"^msg_t_[0-9a-z]{26}(_in|_[0-9]{1,6})?$"},
        "example": f"msg_{TURN_ID}_in",
    },
    "tool_call_id": {
        "description": "The call, as the frames of its turn name it.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 64},
        "example": "call_06gvngn5rqp5rtpsns4g0lle2g",
    },
}
"""Path parameters by their name."""

LAST_EVENT_ID: Parameter = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "The id of the last frame that was seen: what comes after it is sent, and"
    " nothing is started, whatever else the request says.",
    "schema": {"type": "string", "pattern": CURSOR},
}
LAST_EVENT_ID_QUERY: Parameter = {
    "name": "lastEventId",
    "in": "query",
    "description": "As `Last-Event-ID`, for clients that cannot send headers. The header wins.",
    "schema": {"type": "string", "pattern": CURSOR},
}
IDEMPOTENCY_KEY: Parameter = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Names the turn for a day: the same key with the same body is the same turn.",
    "schema": {"type": "string", "pattern": r"^[\x21-\x7e]{1,255}$"},
    "example": "order-4711-question-1",
}
VOICE_ID: Parameter = {
    "name": "X-Voice-Id",
    "in": "header",
    "description": "The voice that speaks the answer; the query's `voiceId` likewise.",
    "schema": {"type": "string", "pattern": r"^[\x21-\x7e]{1,200}$"},
}
REQUEST: Parameter = {
    "name": "X-Request-Id",
    "in": "header",
    "description": "The caller's own name for the request, taken over into logs and the answer.",
    "schema": {"type": "string", "pattern": r"^[A-Za-z0-9._-]{1,64}$"},
}
RESUMES = (LAST_EVENT_ID, LAST_EVENT_ID_QUERY)

NAMES: Mapping[str, Any] = {
    "X-Turn-Id": {
        "description": "The turn.",
        "required": True,
        "schema": {"type": "string"},
        "example": TURN_ID,
    },
    "X-Session-Id": {
        "description": "Its conversation.",
        "required": True,
        "schema": {"type": "string"},
        "example": SESSION_ID,
    },
}
"""The headers of answers that are about a turn."""
