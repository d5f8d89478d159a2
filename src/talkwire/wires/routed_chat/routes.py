"""The HTTP routes of this wire; `Request` stops here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from talkwire.canon.errors import BadRequest, NotFound
from talkwire.canon.models import Standing
from talkwire.canon.records import Idempotency, TurnRecord
from talkwire.canon.turn import TurnRequest
from talkwire.engine.ids import new_id
from talkwire.web import holding
from talkwire.web.answers import json_answer
from talkwire.web.form import Form, StreamLimits
from talkwire.web.limits import read_json
from talkwire.web.openapi import asks, together
from talkwire.web.parameters import IDEMPOTENCY_KEY, LAST_EVENT_ID
from talkwire.web.start import Door, Turns, idempotency_of
from talkwire.web.whole import whole
from talkwire.wires.routed_chat import decode
from talkwire.wires.routed_chat.encode import Encoder, answer, listing
from talkwire.wires.routed_chat.shapes import INPUT_CHARS, ChatBody
from talkwire.wires.routed_chat.told import (
    EVENTS,
    MODELS,
    PLAIN,
    SESSION,
    STREAM,
    STREAMED,
    WHOLE,
    fault,
    models_answers,
    names_events,
    turn_answers,
)

ASKING: tuple[str, ...] = ()  # no GET of this wire costs a model call

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
        told = together(IDEMPOTENCY_KEY, LAST_EVENT_ID, asks(ChatBody))
        starts = {"methods": ["POST"], "responses": turn_answers(path), **plain}
        routes.add_api_route(path, handler, summary=summary, openapi_extra=told, **starts)
    routes.add_api_route(
        MODELS,
        listed,
        methods=["GET"],
        summary="The models by type",
        responses=models_answers(),
        **plain,
    )
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
        door = self._events if names_events(request.scope) else self._plain
        door.enter(request, "chat")
        return door

    async def stream(self, request: Request) -> Response:
        """Starts a turn from a JSON body and answers with its stream."""
        request.scope[STREAMED] = True
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
            scope[STREAMED] = True
        turn = decode.from_body(body, session_id=new_id("s_"), most_chars=self._chars)
        scope[SESSION] = turn.session_id
        record = await _started(door, request, turn, idempotency_of(request, body))
        scope[SESSION] = record.session_id
        if scope.get(STREAMED):
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
