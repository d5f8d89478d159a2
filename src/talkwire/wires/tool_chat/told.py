"""What this wire's routes tell the OpenAPI document, and the form of its errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.types import Scope

from talkwire.canon.errors import TalkwireError
from talkwire.web import results
from talkwire.web.faults import problem
from talkwire.web.openapi import answers, asks, named, stream_answers, together
from talkwire.web.parameters import IDEMPOTENCY_KEY, LAST_EVENT_ID
from talkwire.web.problems import PROBLEM, in_form
from talkwire.web.shapes import ResultShape
from talkwire.wires.tool_chat.shapes import (
    FRAME,
    AbortBody,
    AbortedShape,
    DecisionBody,
    DirectBody,
    ServersShape,
    StreamBody,
    ToolsShape,
)

DECISION = "/api/tools/{tool_call_id}/decision"
RESULT = "/api/tools/results/{tool_call_id}"


def fault(error: TalkwireError, scope: Scope) -> tuple[int, bytes, str]:
    """As `problem`, with the field `error` that this wire's frame of that name has."""
    status, body, media_type = problem(error, scope)
    told = {"error": error.message, **msgspec.json.decode(body)}
    return status, msgspec.json.encode(told), media_type


_SCHEMA = {
    **PROBLEM,
    "required": ["error", *PROBLEM["required"]],
    "properties": {"error": {"type": "string"}, **PROBLEM["properties"]},
}
_problem = in_form(fault, "/api/chat/stream", _SCHEMA)
_starts = {"responses": stream_answers(FRAME, told=_problem)}
_again = (IDEMPOTENCY_KEY, LAST_EVENT_ID)
_unknown = {404: "No such call", 422: "A parameter is not acceptable"}

TOLD: Mapping[str, Mapping[str, Any]] = {
    "/api/chat/stream": {"openapi_extra": together(*_again, asks(StreamBody)), **_starts},
    "/api/chat/stream/direct": {"openapi_extra": together(*_again, asks(DirectBody)), **_starts},
    DECISION: {
        "openapi_extra": together(named("tool_call_id"), *_again, asks(DecisionBody)),
        **_starts,
    },
    "/api/chat/abort": {
        "openapi_extra": asks(AbortBody),
        "responses": answers(
            AbortedShape,
            "The turns that were stopped",
            {415: "The body is not JSON", 422: "A field is not acceptable"},
            told=_problem,
        ),
    },
    "/api/tools": {"responses": answers(ToolsShape, "The tools", told=_problem)},
    "/api/servers": {"responses": answers(ServersShape, "The servers", told=_problem)},
    RESULT: {
        "openapi_extra": together(named("tool_call_id"), results.TOLD),
        "responses": answers(ResultShape, "The result, or a part of it", _unknown, told=_problem),
    },
}
"""What each route is told with, by its path."""
