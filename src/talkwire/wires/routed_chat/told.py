"""What this wire's routes tell the OpenAPI document, and the form of its errors."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.types import Scope

from talkwire.canon.errors import TalkwireError
from talkwire.web.frames import json_line
from talkwire.web.openapi import Answers, answers, schema_of, stream_answers, whole_answers
from talkwire.web.problems import ALWAYS, Told, in_form
from talkwire.wires.routed_chat.encode import error
from talkwire.wires.routed_chat.shapes import FRAMES, AnswerShape, ErrorShape, ModelsShape

PLAIN = "text/plain; charset=utf-8"
EVENTS = "text/event-stream"
STREAM, WHOLE, MODELS = "/api/v1/chat/stream", "/api/v1/chat", "/api/v1/models"
SESSION = "talkwire.routed_chat.session"
STREAMED = "talkwire.routed_chat.streamed"
# What this wire's clients know no status for, and the one that they do.
_STATUS = {422: 400, 504: 502}
_SCHEMA = schema_of(ErrorShape)
_FRAMES = {"anyOf": list(FRAMES)}


def fault(found: TalkwireError, scope: Scope) -> tuple[int, bytes, str]:
    """An error as a frame of the stream that was asked for; as JSON where no stream was."""
    told = error(found, scope.get(SESSION, ""))
    status = _STATUS.get(found.status, found.status)
    if scope["path"] == STREAM or scope.get(STREAMED):
        return status, b"data: %s\n\n" % json_line(told), EVENTS if names_events(scope) else PLAIN
    return status, msgspec.json.encode(told), "application/json"


def names_events(scope: Scope) -> bool:
    """The request accepts `text/event-stream`, in so many words."""
    return any(
        name == b"accept" and b"text/event-stream" in value.lower()
        for name, value in scope["headers"]
    )


def models_answers() -> Answers:
    """What the list of models answers."""
    return answers(ModelsShape, "The models by type", told=_as_json)


def turn_answers(path: str) -> Answers:
    """What a route answers that starts a turn; the one answers as the other with `stream`."""
    tell = _as_frame if path == STREAM else _as_either
    told = stream_answers(*FRAMES, told=tell)
    told[200]["content"]["text/plain"] = {
        "schema": {"type": "string"},
        "example": 'data: {"content": "It ", "session_id": "s_1"}\n\n',
    }
    if path == WHOLE:
        whole = whole_answers(AnswerShape, "", tell)[200]["content"]
        told[200]["content"] = {**whole, **told[200]["content"]}
        told[200]["description"] = "The whole answer; frames with `stream`"
    del told[422]
    told[400] = tell("Not understood, a field is not acceptable, or no such model", 400)
    told[404] = tell("No such turn", 404)
    told[500] = tell("The turn failed before its first frame", 500, ALWAYS[500][1])
    told[502] = tell("The model failed before its first frame", 502)
    return told


_as_json: Told = in_form(fault, WHOLE, _SCHEMA)
_as_text: Told = in_form(fault, STREAM, _SCHEMA)


def _as_frame(why: str, status: int = 500, code: str = "") -> dict[str, Any]:
    told = _as_text(why, status, code)
    told["content"][EVENTS] = {"schema": _FRAMES}
    return told


def _as_either(why: str, status: int = 500, code: str = "") -> dict[str, Any]:
    told = _as_frame(why, status, code)
    told["content"] = {**_as_json(why, status, code)["content"], **told["content"]}
    return told
