"""Requests of this wire to `TurnRequest`."""

from __future__ import annotations

import re
from typing import Any

from pydantic import ValidationError

from talkwire.canon.records import PromptVersion
from talkwire.canon.turn import TextPart, TurnRequest
from talkwire.web.faults import FieldError, Invalid, invalid
from talkwire.wires.responses_sse.shapes import ChatBody, ChatQuery, PromptBody

WIRE = "responses-sse"
_VOICE = re.compile(r"[\x21-\x7e]{1,200}")


def from_body(
    body: dict[str, Any], *, session_id: str, voice: str | None, most_chars: int
) -> TurnRequest:
    """A POST; `session_id` is for requests that name none.

    :raises Invalid: a field is missing, of the wrong type or out of its bounds.
    """
    try:
        shape = ChatBody.model_validate(body)
    except ValidationError as error:
        raise invalid(error) from None
    return _turn(shape, session_id, voice, most_chars, dict(shape.promptVariables))


def from_query(
    query: dict[str, str], *, session_id: str, voice: str | None, most_chars: int
) -> TurnRequest:
    """A GET; an empty parameter counts as absent, except `input`. :raises Invalid:"""
    given = {name: value for name, value in query.items() if value or name == "input"}
    try:
        shape = ChatQuery.model_validate(given)
    except ValidationError as error:
        raise invalid(error) from None
    return _turn(shape, session_id, voice or shape.voiceId, most_chars, {})


def _turn(
    shape: ChatBody | ChatQuery,
    session_id: str,
    voice: str | None,
    most_chars: int,
    variables: dict[str, Any],
) -> TurnRequest:
    if len(shape.input) > most_chars:
        raise Invalid([FieldError("input", f"String should have at most {most_chars} characters")])
    if voice is not None and _VOICE.fullmatch(voice) is None:
        raise Invalid([FieldError("voiceId", "Must be 1 to 200 visible ASCII characters")])
    return TurnRequest(
        session_id=shape.sessionId or session_id,
        wire=WIRE,
        parts=(TextPart(shape.input),),
        model=shape.model,
        prompt=shape.systemPromptName,
        prompt_variables=variables,
        voice=voice,
        temperature=shape.temperature,
        max_output_tokens=shape.maxOutputTokens,
    )


def prompt_draft(name: str, body: dict[str, Any]) -> PromptVersion:
    """A template to store. :raises Invalid:"""
    try:
        shape = PromptBody.model_validate(body)
    except ValidationError as error:
        raise invalid(error) from None
    return PromptVersion(
        name=name,
        version=0,
        text=shape.text,
        description=shape.description or "",
        variables=tuple(shape.variables or ()),
        model=shape.model,
        temperature=shape.temperature,
    )
