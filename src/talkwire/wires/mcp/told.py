"""What this wire's route tells the OpenAPI document."""

from __future__ import annotations

from typing import Any

from talkwire.web.openapi import answers, asks, schema_of, together
from talkwire.web.problems import in_form
from talkwire.wires.mcp.encode import fault
from talkwire.wires.mcp.shapes import FRAME, MessageBody, RefusalShape, ReplyShape

_SESSION = "mcp-session-id"


def told(path: str) -> dict[str, Any]:
    """The route's arguments."""
    refusal = in_form(fault, path, schema_of(RefusalShape))
    problems = {
        404: "No such method",
        406: "The client does not accept what is answered with: JSON and event streams",
        415: "The body is not JSON",
    }
    given = answers(ReplyShape, "The answer, or its stream", problems, told=refusal)
    given[200]["content"]["text/event-stream"] = {"schema": FRAME}
    given[200]["headers"] = {
        _SESSION: {
            "description": "To `initialize`: the client's name, to be sent along from then on.",
            "schema": {"type": "string"},
        }
    }
    given[202] = {"description": "The notification is taken"}
    header = {"in": "header", "schema": {"type": "string"}}
    return {
        "openapi_extra": together(
            {
                **header,
                "name": "MCP-Protocol-Version",
                "description": "The version that was agreed on.",
                "example": "2025-11-25",
            },
            {
                **header,
                "name": _SESSION,
                "description": "The client's name, so that it can be"
                " told which of its requests it calls off.",
            },
            asks(MessageBody),
        ),
        "responses": given,
    }
