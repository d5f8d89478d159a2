"""The HTTP routes of this wire; `Request` stops here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from talkwire.canon.errors import BadRequest, NotFound, TalkwireError
from talkwire.canon.models import Standing
from talkwire.canon.records import Idempotency, TurnRecord
from talkwire.canon.turn import TurnRequest
from talkwire.engine.ids import new_id
from talkwire.web import holding
from talkwire.web.answers import json_answer
from talkwire.web.form import Form, StreamLimits
from talkwire.web.frames import json_line
from talkwire.web.limits import read_json
from talkwire.web.openapi import asks
from talkwire.web.start import Door, Turns, idempotency_of
from talkwire.web.whole import whole
from talkwire.wires.routed_chat import decode
from talkwire.wires.routed_chat.encode import Encoder, answer, error, listing
from talkwire.wires.routed_chat.shapes import INPUT_CHARS, ChatBody

PLAIN = "text/plain; charset=utf-8"
EVENTS = "text/event-stream"
STREAM, WHOLE, MODELS = "/api/v1/chat/stream", "/api/v1/chat", "/api/v1/models"
ASKING: tuple[str, ...] = ()  # no GET of this wire costs a model call
_SESSION = "talkwire.routed_chat.session"
_STREAMED = "talkwire.routed_chat.streamed"
# What this wire's clients know no status for, and the one that they do.
_STATUS = {422: 400, 504: 502}


def fault(found: TalkwireError, scope: Scope) -> tuple[int, bytes, str]:
    """An error as a frame of the stream that was asked for; as JSON where no stream was."""
    told = error(found, scope.get(_SESSION, ""))
    status = _STATUS.get(found.status, found.status)
    if scope["path"] == STREAM or scope.get(_STREAMED):
        return status, b"data: %s\n\n" % json_line(told), EVENTS if _names_events(scope) else PLAIN
    return status, msgspec.json.encode(told), "application/json"


FORM = Form(name=decode.WIRE, encoder=Encoder, fault=fault, media_type=PLAIN, bearer=True)


class Models(Protocol):
    """The models that may answer."""

    def names(self) -> tuple[str, ...]:
        """The default one first."""
        ...

    def standings(self) -> Sequence[Standing]:
        """As they are just now."""
        ...


def router(
    turns: Turns,
    models: Models,
    *,
    streams: StreamLimits | None = None,
    json_depth: int = 64,
    input_chars: int = INPUT_CHARS,
) -> APIRouter:
    """All routes of the wire."""
    chat = Chat(turns, streams or StreamLimits(), depth=json_depth, most_chars=input_chars)

    async def listed(request: Request) -> Response:
        """The models by type, whether each can be reached, and what it costs."""
        chat.enter(request)
        return json_answer(listing(models.standings(), models.names()[0]))

    tags: list[Any] = [decode.WIRE]
    routes = APIRouter(tags=tags)
    plain: dict[str, Any] = {"response_class": Response}
    for path, handler, summary in (
        (STREAM, chat.stream, "Ask, and follow the answer"),
        (WHOLE, chat.whole, "Ask, and be given the whole answer"),
    ):
        told = asks(ChatBody)
        starts = {"methods": ["POST"], "responses": _answers(path), **plain}
        routes.add_api_route(path, handler, summary=summary, openapi_extra=told, **starts)
    routes.add_api_route(MODELS, listed, methods=["GET"], summary="The models by type", **plain)
    return routes


class Chat:
    """`/api/v1/chat`."""

    def __init__(self, turns: Turns, limits: StreamLimits, *, depth: int, most_chars: int) -> None:
        self._plain = Door(turns, FORM, limits)
        self._events = Door(turns, replace(FORM, media_type=EVENTS), limits)
        self._depth = depth
        self._chars = most_chars

    def enter(self, request: Request) -> Door:
        """The way for what the request accepts. :raises Unauthorized, Forbidden:"""
        door = self._events if _names_events(request.scope) else self._plain
        door.enter(request, "chat")
        return door

    async def stream(self, request: Request) -> Response:
        """Starts a turn from a JSON body and answers with its stream."""
        request.scope[_STREAMED] = True
        return await self.whole(request)

    async def whole(self, request: Request) -> Response:
        """Starts a turn, and answers with the whole of it when it has ended; with `stream` as the
        route beside it does."""
        door, scope = self.enter(request), request.scope
        resumed = await door.resume(request)
        if resumed is not None:
            return resumed
        body = await read_json(request, depth=self._depth)
        if body.get("stream") is True:
            scope[_STREAMED] = True
        turn = decode.from_body(body, session_id=new_id("s_"), most_chars=self._chars)
        scope[_SESSION] = turn.session_id
        record = await _started(door, request, turn, idempotency_of(request, body))
        scope[_SESSION] = record.session_id
        if scope.get(_STREAMED):
            return await holding.follow(door, request, record.turn_id)
        response = json_answer(answer(await whole(door, request, record.turn_id)))
        response.headers["X-Turn-Id"] = record.turn_id
        response.headers["X-Session-Id"] = record.session_id
        return response


async def _started(
    door: Door, request: Request, turn: TurnRequest, idempotency: Idempotency | None
) -> TurnRecord:
    """:raises BadRequest: there is no such model; see `Door.start` for the rest."""
    try:
        return (await door.start(request, turn, idempotency)).record
    except NotFound as found:
        if found.param != "model":
            raise
        raise BadRequest(found.message, param="preferred_model") from None


def _names_events(scope: Scope) -> bool:
    return any(
        name == b"accept" and b"text/event-stream" in value.lower()
        for name, value in scope["headers"]
    )


def _answers(path: str) -> dict[int | str, dict[str, Any]]:
    frames = {kind: {"schema": {"type": "string"}} for kind in ("text/plain", EVENTS)}
    whole = {"application/json": {"schema": {"type": "object"}}}
    content = frames if path == STREAM else whole | frames
    told: dict[int, str] = {
        200: "The turn's frames" if path == STREAM else "The whole answer; frames with `stream`",
        400: "Not understood, or no such model",
        401: "No key as Authorization: Bearer",
        409: "The session is busy, or the key is taken",
        429: "Too much was asked for, here or of the model",
        500: "The turn failed before its first frame",
        502: "The model failed before its first frame",
        503: "Not now",
    }
    answers: dict[int | str, dict[str, Any]] = {
        status: {"description": why, "content": content} for status, why in told.items()
    }
    return answers | {204: {"description": "The turn has ended and its last frame was seen"}}
