"""Requests of this wire to `TurnRequest`."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from talkwire.canon.turn import TextPart, TurnRequest
from talkwire.web.faults import FieldError, Invalid, invalid
from talkwire.wires.routed_chat.shapes import ChatBody

WIRE = "routed-chat"


def from_body(body: dict[str, Any], *, session_id: str, most_chars: int) -> TurnRequest:
    """A POST; `session_id` is for requests that name none.

    :raises Invalid: a field is missing, of the wrong type or out of its bounds.
    """
    try:
        shape = ChatBody.model_validate(body)
    except ValidationError as error:
        raise invalid(error) from None
    if len(shape.message) > most_chars:
        why = f"String should have at most {most_chars} characters"
        raise Invalid([FieldError("message", why)])
    return TurnRequest(
        session_id=shape.session_id or session_id,
        wire=WIRE,
        parts=(TextPart(shape.message),),
        model=shape.preferred_model,
        model_type=shape.model_type,
        temperature=shape.temperature,
        max_output_tokens=shape.max_tokens,
    )
