"""Long results of tools, whole, for whoever they belong to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response

from talkwire.canon.errors import Unprocessable
from talkwire.canon.records import ToolResult
from talkwire.canon.tools import RESULT_CHARS
from talkwire.web.answers import json_answer
from talkwire.web.principals import owner_of


class Results(Protocol):
    """What is asked of the store of results."""

    async def result(self, owner: str, call_id: str) -> ToolResult:
        """:raises NotFound: unknown, another's, or deleted with age."""
        ...


def show(results: Results) -> Callable[[Request], Awaitable[Response]]:
    """The handler of `GET …/{tool_call_id}?offset&limit`, both in characters.

    Whoever mounts it has set the shape of the request's errors before.
    """

    async def handler(request: Request) -> Response:
        """The whole of a long result whose summary the conversation has, or a stretch of it."""
        owner = owner_of(request, "chat", "sessions:read")
        offset = _number(request, "offset", 0, least=0)
        limit = _number(request, "limit", RESULT_CHARS, least=1)
        found = await results.result(owner, str(request.path_params["tool_call_id"]))
        return json_answer(_shown(found, offset, limit))

    return handler


TOLD: dict[str, Any] = {
    "parameters": [
        {
            "name": name,
            "in": "query",
            "description": why,
            "schema": {"type": "integer", "minimum": least, "maximum": RESULT_CHARS},
        }
        for name, why, least in (
            ("offset", "The first character that is wanted; 0 if not given.", 0),
            ("limit", "How many are wanted; all there can be if not given.", 1),
        )
    ]
}
"""The query, for the OpenAPI document."""


def _shown(found: ToolResult, offset: int, limit: int) -> dict[str, Any]:
    """`truncated`: the tool gave more than is kept; `next_offset` is null at the end."""
    total, end = len(found.text), offset + limit
    return {
        "tool_call_id": found.call_id,
        "tool_name": found.name,
        "session_id": found.session_id,
        "turn_id": found.turn_id,
        "result": found.text[offset:end],
        "truncated": found.truncated,
        "created_at": found.at,
        "total": total,
        "offset": offset,
        "next_offset": end if end < total else None,
    }


def _number(request: Request, name: str, usual: int, *, least: int) -> int:
    """:raises Unprocessable: not a number from `least` to `RESULT_CHARS`."""
    given = request.query_params.get(name)
    if given is None:
        return usual
    number = int(given) if given.isascii() and given.isdigit() and len(given) < 9 else -1
    if not least <= number <= RESULT_CHARS:
        why = f"{name} must be a number from {least} to {RESULT_CHARS}."
        raise Unprocessable(why, param=name)
    return number
