"""Arguments of this wire's tools to what is asked of the engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from pydantic import ValidationError

from talkwire.canon.errors import BadRequest
from talkwire.canon.turn import TextPart, TurnRequest
from talkwire.web.faults import FieldError, Invalid, invalid
from talkwire.wires.mcp.shapes import FACTS_BYTES, Arguments, ChatArguments, SupportArguments

WIRE = "mcp"
_Shape = TypeVar("_Shape", bound=Arguments)


def checked(shape: type[_Shape], arguments: Mapping[str, Any]) -> _Shape:
    """:raises Invalid: an argument is missing, unknown, of the wrong type or out of its bounds."""
    try:
        return shape.model_validate(dict(arguments))
    except ValidationError as error:
        raise invalid(error) from None


def turn_of(arguments: Mapping[str, Any], *, session_id: str, most_chars: int) -> TurnRequest:
    """A turn; `session_id` is for calls that name none. :raises Invalid:"""
    asked = checked(ChatArguments, arguments)
    if len(asked.input) > most_chars:
        raise Invalid([FieldError("input", f"String should have at most {most_chars} characters")])
    return TurnRequest(
        session_id=asked.session_id or session_id,
        wire=WIRE,
        parts=(TextPart(asked.input),),
        model=asked.model,
        prompt=asked.prompt,
    )


def question_of(arguments: Mapping[str, Any], *, session_id: str, most_chars: int) -> TurnRequest:
    """A turn that is answered from a scenario; as `turn_of`. :raises Invalid:"""
    asked = checked(SupportArguments, arguments)
    if len(asked.query) > most_chars:
        raise Invalid([FieldError("query", f"String should have at most {most_chars} characters")])
    facts = msgspec.json.encode(asked.facts) if asked.facts else b""
    if len(facts) > FACTS_BYTES:
        raise Invalid([FieldError("facts", f"Should have at most {FACTS_BYTES} bytes as JSON")])
    return TurnRequest(
        session_id=asked.session_id or session_id,
        wire=WIRE,
        parts=(TextPart(asked.query),),
        prompt="support",
        scenario=asked.subcategory,
        category=asked.category,
        facts=facts.decode(),
    )


def place_of(cursor: str | None) -> tuple[int, str] | None:
    """Where a page of sessions begins, from `next_cursor`. :raises Invalid: no such cursor."""
    if cursor is None:
        return None
    at, _, session_id = cursor.partition(":")
    if not (at.isascii() and at.isdigit() and len(at) < 16 and session_id):
        raise Invalid([FieldError("cursor", "Is none that was given")])
    return int(at), session_id


def check(message: Mapping[str, Any]) -> None:
    """:raises BadRequest: no request and no notification of JSON-RPC 2.0.

    Answers are none either: this server asks its clients nothing.
    """
    known = type(message.get("id", "")) in (str, int)
    params = message.get("params")
    asks = isinstance(message.get("method"), str) and isinstance(params, dict | None)
    if message.get("jsonrpc") != "2.0" or not known or not asks:
        raise BadRequest("The body is no request or notification of JSON-RPC 2.0.")


def cancelled_of(message: Mapping[str, Any]) -> str | int | None:
    """The id of the request that this notification calls off; None for any other message."""
    params = message.get("params")
    if message.get("method") != "notifications/cancelled" or not isinstance(params, dict):
        return None
    asked = params.get("requestId")
    return asked if isinstance(asked, str | int) and not isinstance(asked, bool) else None
