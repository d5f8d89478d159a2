"""The HTTP routes of this wire; `Request` stops here."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from talkwire.engine.ids import new_id
from talkwire.engine.ports import Prompts
from talkwire.web.answers import json_answer
from talkwire.web.faults import problem
from talkwire.web.form import Form, StreamLimits
from talkwire.web.openapi import answers
from talkwire.web.parameters import VOICE_ID
from talkwire.web.start import Door, Turns, idempotency_of, join_window
from talkwire.wires.responses_sse import decode
from talkwire.wires.responses_sse import prompts as prompt_routes
from talkwire.wires.responses_sse.encode import Encoder
from talkwire.wires.responses_sse.shapes import (
    FRAMES,
    INPUT_CHARS,
    AliveShape,
    ChatBody,
    ChatQuery,
)

FORM = Form(name=decode.WIRE, encoder=Encoder, fault=problem)
ASKING = ("/chat/stream",)  # paths where even a GET may cost a model call
_TAGS: list[Any] = [decode.WIRE]


def router(turns: Turns, prompts: Prompts, *, json_depth: int = 64) -> APIRouter:
    """All routes of the wire but `/chat/stream`, which it shares: see `Chat`."""
    routes = APIRouter(tags=_TAGS)
    routes.add_api_route(
        "/healthz",
        _healthz,
        methods=["GET"],
        summary="Alive",
        response_class=Response,
        responses=answers(AliveShape, "It answers"),
    )
    prompt_routes.add(routes, Door(turns, FORM, StreamLimits()), prompts, json_depth)
    return routes


class Chat:
    """This wire's way through `/chat/stream`: see `web.shared_path.Way`."""

    wire = decode.WIRE
    field = "input"
    body = ChatBody
    query = ChatQuery
    frames = FRAMES
    parameters = (VOICE_ID,)

    def __init__(
        self,
        turns: Turns,
        *,
        streams: StreamLimits | None = None,
        input_chars: int = INPUT_CHARS,
    ) -> None:
        self._door = Door(turns, FORM, streams or StreamLimits())
        self._chars = input_chars

    def enter(self, request: Request) -> str:
        """The owner. :raises Unauthorized, Forbidden:"""
        return self._door.enter(request, "chat")

    async def resume(self, request: Request) -> Response | None:
        """The frames after the request's cursor."""
        self.enter(request)
        return await self._door.resume(request)

    async def post(self, request: Request, body: dict[str, Any]) -> Response:
        """Starts a turn from a JSON body and answers with its stream."""
        self.enter(request)
        turn = decode.from_body(
            body, session_id=new_id("s_"), voice=_voice(request), most_chars=self._chars
        )
        idempotency = idempotency_of(request, [body, turn.voice])
        started = await self._door.start(request, turn, idempotency)
        return await self._door.follow(request, started.record.turn_id)

    async def get(self, request: Request, query: dict[str, str]) -> Response:
        """Starts a turn, or joins the one that an identical GET has just started."""
        self.enter(request)
        turn = decode.from_query(
            query, session_id=new_id("s_"), voice=_voice(request), most_chars=self._chars
        )
        window = join_window(decode.WIRE, [sorted(query.items()), turn.voice])
        started = await self._door.start(request, turn, window)
        return await self._door.follow(request, started.record.turn_id)


def _voice(request: Request) -> str | None:
    return request.headers.get("x-voice-id") or request.query_params.get("voiceId") or None


async def _healthz(request: Request) -> Response:
    """200 while the process answers; touches nothing else."""
    return json_answer({"status": "ok"})
