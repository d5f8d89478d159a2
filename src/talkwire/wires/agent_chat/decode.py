"""Requests of this wire to `TurnRequest`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from pydantic import ValidationError

from talkwire.canon.agents import ASSISTANT
from talkwire.canon.sessions import Session
from talkwire.canon.turn import TextPart, TurnRequest
from talkwire.web.faults import FieldError, Invalid, invalid
from talkwire.wires.agent_chat.shapes import METADATA_BYTES, Attachment, MessageBody, VoiceForm

WIRE = "agent-chat"


def message(body: dict[str, Any], *, most_chars: int) -> MessageBody:
    """What is said. :raises Invalid: a field is missing, of the wrong type or out of its bounds."""
    try:
        shape = MessageBody.model_validate(body)
    except ValidationError as error:
        raise invalid(error) from None
    chars = len(shape.content)
    if chars > most_chars:
        raise _wrong("content", f"String should have at most {most_chars} characters")
    for attached in shape.attachments or ():
        chars += len(attached.text)
    if chars > most_chars:
        raise _wrong("attachments", f"Should have at most {most_chars} characters with the content")
    if len(_metadata(shape)) > METADATA_BYTES:
        raise _wrong("metadata", f"Should have at most {METADATA_BYTES} bytes as JSON")
    return shape


def voice(fields: dict[str, str]) -> VoiceForm:
    """The fields beside an upload; an empty one counts as absent. :raises Invalid: as `message`."""
    try:
        return VoiceForm.model_validate({name: value for name, value in fields.items() if value})
    except ValidationError as error:
        raise invalid(error) from None


def said(form: VoiceForm, text: str) -> MessageBody:
    """What was understood of speech, as a message."""
    return MessageBody(session_id=form.session_id, content=text, agent_id=form.agent_id)


def turn(shape: MessageBody, session: Session) -> TurnRequest:
    """The turn that a message asks for, in a session that there is."""
    agent = shape.agent_id or session.agent
    return TurnRequest(
        session_id=shape.session_id,
        wire=WIRE,
        parts=(TextPart(shape.content), *_attached(shape.attachments or [])),
        agent=None if agent == ASSISTANT else agent,
        prompt=session.prompt,
        metadata=_metadata(shape).decode(),
    )


def _attached(attachments: list[Attachment]) -> Iterator[TextPart]:
    """Each as a text of its own, with its name: a model reads all parts in one piece."""
    for each in attachments:
        name = "" if each.name is None else f" name={msgspec.json.encode(each.name).decode()}"
        yield TextPart(f"\n\n<attachment{name}>\n{each.text}\n</attachment>")


def _metadata(shape: MessageBody) -> bytes:
    return msgspec.json.encode(shape.metadata) if shape.metadata else b""


def _wrong(field: str, message: str) -> Invalid:
    return Invalid([FieldError(field, message)])
