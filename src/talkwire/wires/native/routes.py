"""The HTTP routes of this wire; `Request` stops here."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from talkwire.canon.errors import NotFound
from talkwire.canon.turn import TurnRequest
from talkwire.engine.ids import new_id
from talkwire.web.answers import json_answer
from talkwire.web.cursor import TURN_ID
from talkwire.web.faults import problem
from talkwire.web.form import Form, StreamLimits
from talkwire.web.limits import read_json
from talkwire.web.openapi import Answers, answers, asks, named, stream_answers, together
from talkwire.web.parameters import IDEMPOTENCY_KEY, LAST_EVENT_ID, RESUMES
from talkwire.web.start import Door, Turns, idempotency_of
from talkwire.wires.native import decode
from talkwire.wires.native.encode import Encoder
from talkwire.wires.native.shapes import (
    FRAME,
    INPUT_CHARS,
    AcceptedShape,
    EditBody,
    TurnBody,
    TurnShape,
)

FORM = Form(name=decode.WIRE, encoder=Encoder, fault=problem)
_TAGS: list[Any] = [decode.WIRE]
ASKING: tuple[str, ...] = ()  # no GET of this wire costs a model call
_MESSAGE_ID = re.compile(r"msg_t_[0-9a-z]{26}(_in|_[0-9]{1,6})?")


def router(
    turns: Turns,
    *,
    streams: StreamLimits | None = None,
    json_depth: int = 64,
    input_chars: int = INPUT_CHARS,
) -> APIRouter:
    """All routes of the wire."""
    handlers = TurnRoutes(turns, Door(turns, FORM, streams or StreamLimits()), json_depth)
    handlers.most_chars = input_chars
    routes = APIRouter(tags=_TAGS)
    plain: dict[str, Any] = {"response_class": Response}
    turn = named("turn_id")
    starts: dict[str, Any] = {**plain, "status_code": 202, "responses": _started()}
    shown = {**plain, "responses": answers(TurnShape, "The turn", {404: "No such turn"})}
    one = "/turns/{turn_id}"
    add = routes.add_api_route
    add(
        "/turns",
        handlers.start,
        methods=["POST"],
        summary="Start a turn",
        openapi_extra=together(IDEMPOTENCY_KEY, LAST_EVENT_ID, asks(TurnBody)),
        **starts,
    )
    add(one, handlers.show, methods=["GET"], summary="A turn", openapi_extra=turn, **shown)
    add(
        one + "/events",
        handlers.events,
        methods=["GET"],
        summary="Follow a turn",
        openapi_extra=together(turn, *RESUMES),
        responses=stream_answers(FRAME),
        **plain,
    )
    add(
        one + "/abort",
        handlers.abort,
        methods=["POST"],
        summary="Stop a turn",
        openapi_extra=turn,
        **shown,
    )
    add(
        one + "/regenerate",
        handlers.regenerate,
        methods=["POST"],
        summary="Answer anew",
        openapi_extra=together(turn, IDEMPOTENCY_KEY, LAST_EVENT_ID),
        **starts,
    )
    add(
        "/messages/{message_id}/edit",
        handlers.edit,
        methods=["POST"],
        summary="Say a message otherwise",
        openapi_extra=together(named("message_id"), IDEMPOTENCY_KEY, LAST_EVENT_ID, asks(EditBody)),
        **starts,
    )
    return routes


def _started() -> Answers:
    """What the routes answer that start a turn."""
    accepted = answers(AcceptedShape, "It is accepted, and can be followed", status=202)
    return accepted | stream_answers(FRAME)


class TurnRoutes:
    """`/turns` and `/messages`."""

    most_chars = INPUT_CHARS

    def __init__(self, turns: Turns, door: Door, depth: int) -> None:
        self._turns = turns
        self._door = door
        self._depth = depth

    async def start(self, request: Request) -> Response:
        """Starts a turn: 202 with where to follow it, or its stream where that is accepted."""
        self._door.enter(request, "chat")
        resumed = await self._door.resume(request)
        if resumed is not None:
            return resumed
        body = await read_json(request, depth=self._depth)
        turn = decode.from_body(body, session_id=new_id("s_"), most_chars=self.most_chars)
        return await self._begin(request, turn, body)

    async def show(self, request: Request) -> Response:
        """Status, timing, route, usage and error of a turn."""
        owner = self._door.enter(request, "chat", "sessions:read")
        return json_answer(decode.shown(await self._turns.record(owner, _turn_id(request))))

    async def events(self, request: Request) -> Response:
        """The turn's stream, live or finished, from the cursor or the start."""
        self._door.enter(request, "chat", "sessions:read")
        turn_id = _turn_id(request)
        resumed = await self._door.resume(request, turn_id)
        return resumed or await self._door.follow(request, turn_id)

    async def abort(self, request: Request) -> Response:
        """Stops the turn; one that has ended stays as it is."""
        owner = self._door.enter(request, "chat", "sessions:write")
        return json_answer(decode.shown(await self._turns.abort(owner, _turn_id(request))))

    async def regenerate(self, request: Request) -> Response:
        """Another answer to the same message, as a new branch."""
        owner = self._door.enter(request, "chat")
        turn_id = _turn_id(request)
        resumed = await self._door.resume(request)
        if resumed is not None:
            return resumed
        asked = await self._turns.request(owner, turn_id)
        return await self._begin(request, decode.regenerate(turn_id, asked), None)

    async def edit(self, request: Request) -> Response:
        """The message said otherwise and answered anew, as a new branch."""
        owner = self._door.enter(request, "chat")
        message_id = str(request.path_params["message_id"])
        if _MESSAGE_ID.fullmatch(message_id) is None:
            raise NotFound("There is no such message.")
        resumed = await self._door.resume(request)
        if resumed is not None:
            return resumed
        body = await read_json(request, depth=self._depth)
        edited = await self._turns.message(owner, message_id)
        try:
            asked = await self._turns.request(owner, edited.turn_id)
        except NotFound:  # it was said on another server, and brought in from there
            asked = TurnRequest(edited.session_id, decode.WIRE)
        turn = decode.edit(body, edited=edited, asked=asked, most_chars=self.most_chars)
        return await self._begin(request, turn, body)

    async def _begin(self, request: Request, turn: TurnRequest, body: object) -> Response:
        follow = "text/event-stream" in request.headers.get("accept", "").lower()
        idempotency = idempotency_of(request, body)
        started = await self._door.start(request, turn, idempotency, follow=follow)
        if follow:
            return await self._door.follow(request, started.record.turn_id)
        return json_answer(decode.accepted(started.record), 202)


def _turn_id(request: Request) -> str:
    turn_id = str(request.path_params["turn_id"])
    if TURN_ID.fullmatch(turn_id) is None:
        raise NotFound("There is no such turn.")
    return turn_id
