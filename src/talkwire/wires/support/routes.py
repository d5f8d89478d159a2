"""The HTTP routes of this wire; `Request` stops here."""

from __future__ import annotations

from typing import Any, Protocol

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from talkwire.engine.ids import new_id
from talkwire.web.answers import json_answer
from talkwire.web.faults import problem
from talkwire.web.form import Form, StreamLimits
from talkwire.web.limits import read_json
from talkwire.web.openapi import answers, asks, together, whole_answers
from talkwire.web.parameters import IDEMPOTENCY_KEY, Parameter
from talkwire.web.start import Door, Turns, idempotency_of, join_window
from talkwire.web.whole import whole
from talkwire.wires.support import decode
from talkwire.wires.support.encode import Encoder, EventSourceEncoder, answer
from talkwire.wires.support.shapes import (
    FRAMES,
    INPUT_CHARS,
    AnswerShape,
    ChatBody,
    ChatQuery,
    ScenariosShape,
)

# Without the charset `requests` takes the bytes for Latin-1, and some of them for line ends.
_MEDIA_TYPE = "text/event-stream; charset=utf-8"
FORM = Form(
    name=decode.WIRE,
    encoder=Encoder,
    fault=problem,
    media_type=_MEDIA_TYPE,
    heartbeat=Encoder.heartbeat,
    ids=False,
    first=1,
)
EVENT_SOURCE = Form(
    name=decode.WIRE,
    encoder=EventSourceEncoder,
    fault=problem,
    media_type=_MEDIA_TYPE,
    heartbeat=Encoder.heartbeat,
)
ASKING = ("/chat/stream",)  # paths where even a GET may cost a model call


class Desk(Protocol):
    """Who has the scenarios."""

    def listing(self) -> dict[str, Any]:
        """All of them by category, in the catalogue's order."""
        ...


def router(
    turns: Turns,
    desk: Desk,
    *,
    streams: StreamLimits | None = None,
    json_depth: int = 64,
    input_chars: int = INPUT_CHARS,
) -> APIRouter:
    """All routes of the wire but `/chat/stream`, which it shares: see `Chat`."""
    door = Door(turns, FORM, streams or StreamLimits())
    most_chars = min(input_chars, INPUT_CHARS)

    async def scenarios(request: Request) -> Response:
        """What the desk knows: categories and their subcategories."""
        door.enter(request, "chat")
        return json_answer(desk.listing())

    async def chat(request: Request) -> Response:
        """Starts a turn, and answers with the whole of it when it has ended."""
        door.enter(request, "chat")
        body = await read_json(request, depth=json_depth)
        turn = decode.from_body(body, session_id=new_id("s_"), most_chars=most_chars)
        started = await door.start(request, turn, idempotency_of(request, body))
        record = started.record
        response = json_answer(answer(await whole(door, request, record.turn_id)))
        response.headers["X-Turn-Id"] = record.turn_id
        response.headers["X-Session-Id"] = record.session_id
        return response

    tags: list[Any] = [decode.WIRE]
    routes = APIRouter(tags=tags)
    routes.add_api_route(
        "/scenarios",
        scenarios,
        methods=["GET"],
        summary="The scenarios that questions are answered from",
        response_class=Response,
        responses=answers(ScenariosShape, "All of them by category"),
    )
    routes.add_api_route(
        "/chat",
        chat,
        methods=["POST"],
        summary="Ask, and be given the whole answer",
        response_class=Response,
        openapi_extra=together(IDEMPOTENCY_KEY, asks(ChatBody)),
        responses=whole_answers(AnswerShape, "The whole answer"),
    )
    return routes


class Chat:
    """This wire's way through `/chat/stream`: see `web.shared_path.Way`."""

    wire = decode.WIRE
    field = decode.FIELD
    body = ChatBody
    query = ChatQuery
    frames = FRAMES
    parameters: tuple[Parameter, ...] = ()

    def __init__(
        self,
        turns: Turns,
        *,
        streams: StreamLimits | None = None,
        json_depth: int = 64,
        input_chars: int = INPUT_CHARS,
    ) -> None:
        self._lines = Door(turns, FORM, streams or StreamLimits())
        self._source = Door(turns, EVENT_SOURCE, streams or StreamLimits())
        self._depth = json_depth
        self._chars = min(input_chars, INPUT_CHARS)

    def enter(self, request: Request) -> str:
        """The owner. :raises Unauthorized, Forbidden:"""
        return self._lines.enter(request, "chat")

    async def resume(self, request: Request) -> Response | None:
        """The frames after the request's cursor, in the form of the request's method."""
        self.enter(request)
        return await (self._source if request.method == "GET" else self._lines).resume(request)

    async def post(self, request: Request, body: dict[str, Any]) -> Response:
        """Starts a turn from a JSON body and answers with its stream."""
        self.enter(request)
        turn = decode.from_body(body, session_id=new_id("s_"), most_chars=self._chars)
        started = await self._lines.start(request, turn, idempotency_of(request, body))
        return await self._lines.follow(request, started.record.turn_id)

    async def get(self, request: Request, query: dict[str, str]) -> Response:
        """Starts a turn, or joins the one that an identical GET has just started."""
        self.enter(request)
        turn = decode.from_query(
            query, session_id=new_id("s_"), most_chars=self._chars, depth=self._depth
        )
        window = join_window(decode.WIRE, sorted(query.items()))
        started = await self._source.start(request, turn, window)
        return await self._source.follow(request, started.record.turn_id)
