"""Requests of this wire to `TurnRequest`."""

from __future__ import annotations

from typing import Any

import msgspec
from pydantic import ValidationError

from talkwire.canon.errors import BadRequest
from talkwire.canon.turn import TextPart, TurnRequest
from talkwire.web.faults import FieldError, Invalid, invalid
from talkwire.web.limits import JSON_DEPTH, parse_object
from talkwire.wires.support.shapes import CONTEXT_BYTES, ChatBody, ChatFields, ChatQuery

WIRE = "support"
FIELD = "user_query"
PROMPT = "support"


def from_body(body: dict[str, Any], *, session_id: str, most_chars: int) -> TurnRequest:
    """A POST; `session_id` is for requests that name no thread.

    :raises Invalid: a field is missing, of the wrong type or out of its bounds.
    """
    try:
        shape = ChatBody.model_validate(body)
    except ValidationError as error:
        raise invalid(error) from None
    return _turn(shape, shape.context or {}, session_id, most_chars)


def from_query(
    query: dict[str, str], *, session_id: str, most_chars: int, depth: int = JSON_DEPTH
) -> TurnRequest:
    """A GET; an empty parameter counts as absent, except `user_query`. :raises Invalid:"""
    given = {name: value for name, value in query.items() if value or name == FIELD}
    try:
        shape = ChatQuery.model_validate(given)
    except ValidationError as error:
        raise invalid(error) from None
    return _turn(shape, _parsed(shape.context, depth), session_id, most_chars)


def _parsed(context: str | None, depth: int) -> dict[str, Any]:
    if context is None:
        return {}
    try:
        return parse_object(context.encode(), depth=depth)
    except BadRequest:
        raise _wrong("context", f"Should be a JSON object, at most {depth} levels deep") from None


def _turn(
    shape: ChatFields, context: dict[str, Any], session_id: str, most_chars: int
) -> TurnRequest:
    if len(shape.user_query) > most_chars:
        raise _wrong(FIELD, f"String should have at most {most_chars} characters")
    facts = msgspec.json.encode(context) if context else b""
    if len(facts) > CONTEXT_BYTES:
        raise _wrong("context", f"Should have at most {CONTEXT_BYTES} bytes as JSON")
    return TurnRequest(
        session_id=shape.thread_id or session_id,
        wire=WIRE,
        parts=(TextPart(shape.user_query),),
        prompt=PROMPT,
        scenario=shape.subcategory or "",
        category=shape.category or "",
        facts=facts.decode(),
    )


def _wrong(field: str, message: str) -> Invalid:
    return Invalid([FieldError(field, message)])
