"""The HTTP routes of this wire's chat; `Request` stops here."""

from __future__ import annotations

from typing import Any, Protocol

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from talkwire.canon.agents import ASSISTANT
from talkwire.canon.errors import NotFound
from talkwire.canon.records import Started
from talkwire.canon.sessions import Session
from talkwire.engine.ports import Agents
from talkwire.web.answers import json_answer
from talkwire.web.faults import problem
from talkwire.web.form import Form, StreamLimits
from talkwire.web.limits import read_json
from talkwire.web.openapi import answers, asks, stream_answers, together, whole_answers
from talkwire.web.parameters import IDEMPOTENCY_KEY, LAST_EVENT_ID
from talkwire.web.start import Door, Turns, idempotency_of
from talkwire.web.whole import folded
from talkwire.wires.agent_chat import decode
from talkwire.wires.agent_chat.answer import Answer
from talkwire.wires.agent_chat.encode import Encoder, listing
from talkwire.wires.agent_chat.shapes import (
    FRAME,
    INPUT_CHARS,
    AgentsShape,
    AnswerShape,
    MessageBody,
)

FORM = Form(name=decode.WIRE, encoder=Encoder, fault=problem)
ASKING: tuple[str, ...] = ()  # no GET of this wire costs a model call
MESSAGE, STREAM, AGENTS = "/chat/message", "/chat/message/stream", "/chat/agents"


class Sessions(Protocol):
    """Where sessions are looked up."""

    async def session(self, owner: str, session_id: str) -> Session:
        """:raises NotFound: unknown, expired, or another's."""
        ...


def router(
    turns: Turns,
    sessions: Sessions,
    agents: Agents,
    *,
    streams: StreamLimits | None = None,
    json_depth: int = 64,
    input_chars: int = INPUT_CHARS,
) -> APIRouter:
    """Messages, and the agents that answer them."""
    door = Door(turns, FORM, streams or StreamLimits())
    chat = Chat(door, sessions, agents, depth=json_depth, most_chars=input_chars)
    tags: list[Any] = [decode.WIRE]
    routes = APIRouter(tags=tags)
    plain: dict[str, Any] = {"response_class": Response}
    routes.add_api_route(
        MESSAGE,
        chat.whole,
        methods=["POST"],
        summary="Say something, and be given the whole answer",
        openapi_extra=together(IDEMPOTENCY_KEY, asks(MessageBody)),
        responses=whole_answers(AnswerShape, "The answer"),
        **plain,
    )
    routes.add_api_route(
        STREAM,
        chat.stream,
        methods=["POST"],
        summary="Say something, and follow the answer",
        openapi_extra=together(IDEMPOTENCY_KEY, LAST_EVENT_ID, asks(MessageBody)),
        responses=stream_answers(FRAME),
        **plain,
    )
    routes.add_api_route(
        AGENTS,
        chat.agents,
        methods=["GET"],
        summary="Who can be asked",
        responses=answers(AgentsShape, "All agents, the assistant first"),
        **plain,
    )
    return routes


class Chat:
    """`/chat/message` and `/chat/agents`."""

    def __init__(
        self, door: Door, sessions: Sessions, agents: Agents, *, depth: int, most_chars: int
    ) -> None:
        self._door = door
        self._sessions = sessions
        self._agents = agents
        self._depth = depth
        self._chars = most_chars

    async def whole(self, request: Request) -> Response:
        """Starts a turn, and answers with the whole of it when it has ended."""
        record = (await self._started(request)).record
        answer = await folded(self._door, request, record.turn_id, Answer())
        response = json_answer(answer.given())
        response.headers["X-Turn-Id"] = record.turn_id
        response.headers["X-Session-Id"] = record.session_id
        return response

    async def stream(self, request: Request) -> Response:
        """Starts a turn from a JSON body and answers with its stream."""
        self._door.enter(request, "chat")
        resumed = await self._door.resume(request)
        if resumed is not None:
            return resumed
        started = await self._started(request)
        return await self._door.follow(request, started.record.turn_id)

    async def agents(self, request: Request) -> Response:
        """Who can be asked by `agent_id`, the assistant first."""
        self._door.enter(request, "chat")
        return json_answer(listing(self._agents.cards()))

    async def _started(self, request: Request) -> Started:
        """:raises NotFound: there is no such session, or no such agent."""
        owner = self._door.enter(request, "chat")
        body = await read_json(request, depth=self._depth)
        shape, once = decode.message(body, most_chars=self._chars), idempotency_of(request, body)
        session = await self._sessions.session(owner, shape.session_id)
        turn = decode.turn(shape, session)
        expect_agent(self._agents, turn.agent)
        return await self._door.start(request, turn, once)


def expect_agent(agents: Agents, agent: str | None) -> None:
    """:raises NotFound: there is no such agent."""
    if agent is None:
        return
    names = [each.id for each in agents.cards()]
    if agent not in names:
        known = ", ".join(names or [ASSISTANT])
        raise NotFound(f"There is no such agent. Known: {known}.", param="agent_id")
