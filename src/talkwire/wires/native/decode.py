"""Requests of this wire to `TurnRequest`, and records to what it shows."""

from __future__ import annotations

from typing import Any

import msgspec
from pydantic import ValidationError

from talkwire.canon.errors import Conflict
from talkwire.canon.records import StoredMessage, TurnRecord
from talkwire.canon.turn import TextPart, TurnRequest, input_message_id
from talkwire.web.faults import FieldError, Invalid, invalid
from talkwire.wires.native.shapes import EditBody, TextPartShape, TurnBody

WIRE = "native"
ROUTED = "auto"  # the scenario that the text is about
_SCENARIO_PROMPT = "support"


def from_body(body: dict[str, Any], *, session_id: str, most_chars: int) -> TurnRequest:
    """A new turn; `session_id` is for requests that name none. :raises Invalid:"""
    try:
        shape = TurnBody.model_validate(body)
    except ValidationError as error:
        raise invalid(error) from None
    return TurnRequest(
        session_id=shape.session_id or session_id,
        wire=WIRE,
        parts=_parts(shape.input, most_chars),
        parent_id=shape.parent_message_id,
        model=shape.model,
        agent=shape.agent,
        scenario="" if shape.scenario == ROUTED else shape.scenario,
        prompt=shape.prompt or (_SCENARIO_PROMPT if shape.scenario else None),
        prompt_variables=dict(shape.prompt_variables),
        tools=tuple(shape.tools),
        voice=shape.voice,
        voice_mode=shape.voice_mode,
        temperature=shape.temperature,
        max_output_tokens=shape.max_output_tokens,
        on_busy=shape.on_busy,
        on_disconnect=shape.on_disconnect,
    )


def regenerate(turn_id: str, asked: TurnRequest) -> TurnRequest:
    """Another answer to what the turn was asked."""
    parent = asked.parent_id if not asked.parts else input_message_id(turn_id)
    return msgspec.structs.replace(asked, wire=WIRE, parts=(), parent_id=parent)


def edit(
    body: dict[str, Any], *, edited: StoredMessage, asked: TurnRequest, most_chars: int
) -> TurnRequest:
    """The message said otherwise: a sibling of it, and a new answer.

    :raises Invalid: the new text is not acceptable. :raises Conflict: no user's message.
    """
    if edited.message.role != "user":
        raise Conflict("Only a user's message can be edited.")
    try:
        shape = EditBody.model_validate(body)
    except ValidationError as error:
        raise invalid(error) from None
    return msgspec.structs.replace(
        asked,
        wire=WIRE,
        session_id=edited.session_id,
        parts=_parts(shape.input, most_chars),
        parent_id=edited.parent_id or "",
        context=(),  # it has what was said before
    )


def _parts(given: str | list[TextPartShape], most_chars: int) -> tuple[TextPart, ...]:
    texts = [given] if isinstance(given, str) else [part.text for part in given]
    size = sum(map(len, texts))
    if size > most_chars:
        raise Invalid([FieldError("input", f"Should have at most {most_chars} characters")])
    if size == 0:
        raise Invalid([FieldError("input", "Should have at least 1 character")])
    return tuple(TextPart(text) for text in texts)


def shown(record: TurnRecord) -> dict[str, Any]:
    """A turn as `GET /turns/{id}` tells it; times are Unix milliseconds."""
    error = None
    if record.error_code is not None:
        error = {
            "code": record.error_code,
            "message": record.error_message,
            "retryable": record.retryable,
        }
    return {
        "turn_id": record.turn_id,
        "session_id": record.session_id,
        "wire": record.wire,
        "status": record.status,
        "created_at": record.created_at,
        "started_at": record.started_at,
        "first_token_at": record.first_token_at,
        "ended_at": record.ended_at,
        "route": {
            "model": record.model,
            "model_type": record.model_type,
            "reasons": record.reasons,
        },
        "usage": record.usage,
        "finish_reason": record.finish_reason,
        "error": error,
        "node": record.node,
        "events_url": events_url(record.turn_id),
    }


def accepted(record: TurnRecord) -> dict[str, str]:
    """The answer to a turn that was accepted."""
    return {
        "turn_id": record.turn_id,
        "session_id": record.session_id,
        "events_url": events_url(record.turn_id),
    }


def events_url(turn_id: str) -> str:
    """Where the turn's stream is."""
    return f"/turns/{turn_id}/events"
