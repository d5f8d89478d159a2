"""The HTTP routes of this wire's sessions: made, listed, changed, read and counted."""

from __future__ import annotations

from typing import Any, Protocol

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from talkwire.canon.errors import NotFound, Unprocessable
from talkwire.canon.sessions import (
    HistoryAsked,
    HistoryPage,
    NewSession,
    Session,
    SessionChange,
    SessionsAsked,
    SessionStats,
    Whose,
)
from talkwire.engine.ids import new_id
from talkwire.engine.live import now_ms
from talkwire.engine.ports import Agents, Prompts
from talkwire.web.answers import json_answer
from talkwire.web.limits import read_json, read_query
from talkwire.web.openapi import answers, asks, named
from talkwire.web.principals import owner_of, principal_of
from talkwire.wires.agent_chat import decode as wire
from talkwire.wires.agent_chat import sessions_decode as decode
from talkwire.wires.agent_chat import sessions_encode as encode
from talkwire.wires.agent_chat.routes import expect_agent
from talkwire.wires.agent_chat.sessions_shapes import (
    ChangeBody,
    HistoryShape,
    NewSessionBody,
    PageQuery,
    SessionShape,
    SessionsQuery,
    SessionsShape,
    StatsShape,
)

CREATE, HISTORY, LIST = "/chat/session", "/chat/history/{session_id}", "/sessions"
ONE, STATS = "/sessions/{session_id}", "/sessions/user/{user_id:path}/stats"
READ, WRITE = "sessions:read", "sessions:write"


class Sessions(Protocol):
    """What is asked of the store of sessions; see there."""

    async def create(self, new: NewSession) -> Session: ...
    async def page(self, asked: SessionsAsked) -> list[Session]: ...
    async def history(self, owner: str, session_id: str, asked: HistoryAsked) -> HistoryPage: ...
    async def change(self, owner: str, session_id: str, wanted: SessionChange) -> Session: ...
    async def stats(self, whose: Whose) -> SessionStats: ...


def router(sessions: Sessions, known: Known, *, ttl_s: float, json_depth: int = 64) -> APIRouter:
    """Sessions one by one and in lists. `ttl_s`: how long one lives after its last turn."""
    handlers = SessionRoutes(sessions, known, ttl_ms=int(ttl_s * 1000))
    handlers.depth = json_depth
    tags: list[Any] = [wire.WIRE]
    routes = APIRouter(tags=tags)
    plain: dict[str, Any] = {"response_class": Response}
    missing = {404: "No such session", 422: "A field is not acceptable"}
    routes.add_api_route(
        CREATE,
        handlers.create,
        methods=["POST"],
        status_code=201,
        summary="Begin a session",
        openapi_extra=asks(NewSessionBody),
        responses=answers(
            SessionShape,
            "The session",
            {404: "No such agent or prompt", 422: "A field is not acceptable"},
            status=201,
        ),
        **plain,
    )
    routes.add_api_route(
        HISTORY,
        handlers.history,
        methods=["GET"],
        summary="What was said in a session, oldest first",
        openapi_extra=_with(named("session_id"), asks(PageQuery, query=True)),
        responses=answers(HistoryShape, "Some messages of the current branch", missing),
        **plain,
    )
    routes.add_api_route(
        LIST,
        handlers.page,
        methods=["GET"],
        summary="Sessions, newest activity first",
        openapi_extra=asks(SessionsQuery, query=True),
        responses=answers(SessionsShape, "Some sessions", {422: "A parameter is not acceptable"}),
        **plain,
    )
    routes.add_api_route(
        ONE,
        handlers.change,
        methods=["PATCH"],
        summary="Change a session's title, metadata or place",
        openapi_extra={**named("session_id"), **asks(ChangeBody)},
        responses=answers(SessionShape, "The session as it is now", missing),
        **plain,
    )
    routes.add_api_route(
        STATS,
        handlers.stats,
        methods=["GET"],
        summary="A user's sessions in sums",
        openapi_extra=named("user_id"),
        responses=answers(StatsShape, "The sums", {404: "No such user"}),
        **plain,
    )
    return routes


def _with(*extras: dict[str, Any]) -> dict[str, Any]:
    return {"parameters": [each for extra in extras for each in extra["parameters"]]}


class Known:
    """Whether what a session names is there."""

    def __init__(self, agents: Agents, prompts: Prompts) -> None:
        self._agents = agents
        self._prompts = prompts

    async def check(self, agent: str | None, prompt: str | None) -> None:
        """:raises NotFound: unknown; the message has the known ones.
        :raises Unprocessable: the prompt cannot be used without values.
        """
        expect_agent(self._agents, agent)
        if prompt is None:
            return
        try:
            await self._prompts.render(prompt, {})
        except NotFound as error:
            raise NotFound(error.message, param="system_prompt_name") from None
        except Unprocessable as error:
            told = error.message
            raise Unprocessable(told, code=error.code, param="system_prompt_name") from None


class SessionRoutes:
    """`/chat/session`, `/chat/history` and `/sessions`."""

    depth = 64

    def __init__(self, sessions: Sessions, known: Known, *, ttl_ms: int) -> None:
        self._sessions = sessions
        self._known = known
        self._ttl_ms = ttl_ms

    async def create(self, request: Request) -> Response:
        """Makes a session, which lives as long as one after a turn."""
        owner = owner_of(request, "chat", WRITE)
        shape = decode.shaped(NewSessionBody, await read_json(request, depth=self.depth))
        metadata = decode.bounded(shape.metadata)
        await self._known.check(shape.agent_id, shape.system_prompt_name)
        new = NewSession(
            new_id("s_"),
            owner,
            now_ms(),
            self._ttl_ms,
            title=shape.title,
            label=shape.user_id,
            agent=shape.agent_id,
            prompt=shape.system_prompt_name,
            metadata=metadata,
        )
        return json_answer(encode.session(await self._sessions.create(new)), 201)

    async def page(self, request: Request) -> Response:
        """One's own sessions that have not expired; for admins a user's as well."""
        owner_of(request, READ)
        asked = decode.listed(read_query(request), principal_of(request))
        found = await self._sessions.page(asked)
        return json_answer(encode.sessions(found, asked.limit - 1))

    async def history(self, request: Request) -> Response:
        """The messages of the branch that the session goes on from, with the results of tools."""
        owner, session_id = owner_of(request, READ), _session_id(request)
        asked = decode.history(read_query(request))
        page = await self._sessions.history(owner, session_id, asked)
        return json_answer(encode.history(session_id, page, asked.position))

    async def change(self, request: Request) -> Response:
        """What is absent stays as it is; the session stays where it is in lists."""
        owner, session_id = owner_of(request, WRITE), _session_id(request)
        wanted = decode.change(await read_json(request, depth=self.depth))
        return json_answer(encode.session(await self._sessions.change(owner, session_id, wanted)))

    async def stats(self, request: Request) -> Response:
        """All one's own, or those of a user whom they were made for; for admins of everybody."""
        owner_of(request, READ)
        principal, user = principal_of(request), str(request.path_params["user_id"])
        if not (len(user) <= 255 and user.isprintable()):
            raise NotFound("There is no such user.", param="user_id")
        try:
            told = await self._sessions.stats(decode.whose(principal, user))
        except NotFound:
            if user != principal.id:
                raise
            told = await self._sessions.stats(Whose(principal.id))
        return json_answer(encode.stats(user, told))


def _session_id(request: Request) -> str:
    return decode.known_id(str(request.path_params["session_id"]))
