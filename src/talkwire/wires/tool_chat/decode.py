"""Requests of this wire to `TurnRequest`, and what they bring for one turn alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from pydantic import BaseModel, SecretStr, ValidationError

from talkwire.canon.turn import Call, Message, TextPart, TurnRequest
from talkwire.web.faults import FieldError, Invalid, invalid
from talkwire.wires.tool_chat.shapes import (
    AbortBody,
    AnyCall,
    CallShape,
    DecisionBody,
    DirectBody,
    MessageShape,
    ModelShape,
    StreamBody,
)

WIRE = "tool-chat"
FIELD = "model_config"
S = TypeVar("S", bound=BaseModel)


class Brought(Struct, frozen=True):
    """The caller's own key and server, for one upstream call; "" and None are none."""

    base_url: str = ""
    api_key: SecretStr | None = None

    def __repr__(self) -> str:
        return "Brought(…)"

    def __bool__(self) -> bool:
        return bool(self.base_url) or self.api_key is not None


def from_stream(body: dict[str, Any], *, most_chars: int) -> tuple[TurnRequest, Brought]:
    """`POST /api/chat/stream`. :raises Invalid:"""
    shape = read(StreamBody, body)
    _bounded("content", len(shape.content), most_chars)
    request = TurnRequest(session_id=shape.session_id, wire=WIRE, parts=(TextPart(shape.content),))
    return _asked(request, shape.asked_model)


def from_direct(body: dict[str, Any], *, most_chars: int) -> tuple[TurnRequest, Brought]:
    """`POST /api/chat/stream/direct`: the messages are the whole context.

    With `save` the last user's message and the answer go on with the session. :raises Invalid:
    """
    shape = read(DirectBody, body)
    _bounded("messages", sum(len(each.content or "") for each in shape.messages), most_chars)
    context = _context(shape.messages)
    asked = next((each for each in reversed(context) if each.role == "user"), None)
    if shape.save and asked is None:
        raise _wrong("messages", "With save, one of them has to be the user's")
    request = TurnRequest(
        session_id=shape.session_id,
        wire=WIRE,
        parts=asked.parts if shape.save and asked is not None else (),
        context=context,
        keep=shape.save,
    )
    return _asked(request, shape.asked_model)


def abort(body: dict[str, Any]) -> AbortBody:
    """What is to stop. :raises Invalid:"""
    shape = read(AbortBody, body)
    if shape.session_id is None and shape.turn_id is None:
        raise Invalid([FieldError(each, "session_id or turn_id is needed") for each in _EITHER])
    return shape


_EITHER = ("session_id", "turn_id")


def decision(body: dict[str, Any]) -> tuple[DecisionBody, Brought]:
    """What a person decided. :raises Invalid:"""
    shape = read(DecisionBody, body)
    return shape, _brought(shape.asked_model)


def is_call_id(text: str) -> bool:
    """Whether it can be the id of a call: whoever made it, a model did."""
    return 0 < len(text) <= 256 and text.isprintable()


def without_secrets(body: dict[str, Any]) -> dict[str, Any]:
    """The body without what is the caller's own, for what is kept of it, be it a digest."""
    given = body.get(FIELD)
    if not isinstance(given, dict):
        return body
    rest = {name: value for name, value in given.items() if name not in ("api_key", "base_url")}
    return {**body, FIELD: rest}


def read(shape: type[S], body: dict[str, Any]) -> S:
    """:raises Invalid:"""
    try:
        return shape.model_validate(body)
    except ValidationError as error:
        raise invalid(error) from None


def _asked(request: TurnRequest, given: ModelShape | None) -> tuple[TurnRequest, Brought]:
    if given is None:
        return request, Brought()
    request = msgspec.structs.replace(
        request,
        model=given.model_name,
        temperature=given.temperature,
        max_output_tokens=given.max_tokens,
    )
    return request, _brought(given)


def _brought(given: ModelShape | None) -> Brought:
    return Brought(given.base_url or "", given.api_key) if given is not None else Brought()


def _bounded(field: str, chars: int, most: int) -> None:
    if chars > most:
        raise _wrong(field, f"Should have at most {most} characters")


def _wrong(field: str, message: str) -> Invalid:
    return Invalid([FieldError(field, message)])


def _context(shapes: Sequence[MessageShape]) -> tuple[Message, ...]:
    """The messages, if every call among them has its one result, right behind it."""
    context: list[Message] = []
    waiting: dict[str, str] = {}  # calls without a result yet, and the fields that they stand in
    for index, shape in enumerate(shapes):
        field = f"messages.{index}"
        if shape.role == "tool":
            _answer(shape, field, waiting)
        elif waiting:
            break
        else:
            waiting = _begin(shape, field)
        context.append(_message(shape))
    for where in waiting.values():
        raise _wrong(where, "Should be answered by a tool message right behind")
    return tuple(context)


def _answer(shape: MessageShape, field: str, waiting: dict[str, str]) -> None:
    if shape.tool_calls:
        raise _wrong(f"{field}.tool_calls", "Only an assistant's message has calls")
    if shape.content is None:
        raise _wrong(f"{field}.content", "Should be the tool's result")
    if shape.tool_call_id is None:
        raise _wrong(f"{field}.tool_call_id", "A tool's message needs the call it answers")
    if waiting.pop(shape.tool_call_id, None) is None:
        raise _wrong(f"{field}.tool_call_id", "Answers no call right before it")


def _begin(shape: MessageShape, field: str) -> dict[str, str]:
    """The calls of a message that is no tool's, each with the field it stands in."""
    calls = shape.tool_calls or []
    if shape.tool_call_id is not None:
        raise _wrong(f"{field}.tool_call_id", "Only a tool's message answers a call")
    if calls and shape.role != "assistant":
        raise _wrong(f"{field}.tool_calls", "Only an assistant's message has calls")
    if not calls and not shape.content:
        raise _wrong(f"{field}.content", "Should have at least 1 character")
    waiting: dict[str, str] = {}
    for number, call in enumerate(calls):
        where = f"{field}.tool_calls.{number}"
        call_id = call.tool_call_id if isinstance(call, CallShape) else call.id
        if call_id in waiting:
            raise _wrong(where, "Has the id of the call before it")
        waiting[call_id] = where
    return waiting


def _message(shape: MessageShape) -> Message:
    return Message(
        id="",
        role=shape.role,
        parts=(TextPart(shape.content),) if shape.content else (),
        calls=tuple(_call(each) for each in shape.tool_calls or ()),
        call_id=shape.tool_call_id,
    )


def _call(shape: AnyCall) -> Call:
    if isinstance(shape, CallShape):
        written = msgspec.json.encode(shape.arguments).decode()
        return Call(shape.tool_call_id, shape.tool_name, written)
    return Call(shape.id, shape.function.name, shape.function.arguments)
