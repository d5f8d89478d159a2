"""The HTTP routes of this wire; `Request` stops here."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol

from fastapi import APIRouter
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from talkwire.canon.errors import NotFound
from talkwire.canon.tools import Tool
from talkwire.canon.turn import TurnRequest
from talkwire.engine.ports import Caller
from talkwire.web.answers import json_answer
from talkwire.web.cursor import TURN_ID
from talkwire.web.egress import Policy
from talkwire.web.form import Form, StreamLimits
from talkwire.web.limits import read_json
from talkwire.web.results import Results, show
from talkwire.web.start import Door, Turns, idempotency_of
from talkwire.wires.tool_chat import decode
from talkwire.wires.tool_chat.decode import Brought
from talkwire.wires.tool_chat.encode import Encoder
from talkwire.wires.tool_chat.shapes import INPUT_CHARS, AbortBody
from talkwire.wires.tool_chat.told import DECISION, RESULT, TOLD, fault

FORM = Form(name=decode.WIRE, encoder=Encoder, fault=fault)
ASKING: tuple[str, ...] = ()  # no GET of this wire costs a model call


class Shelf(Protocol):
    """The tools there are, and the servers they run on."""

    def offered(self) -> Sequence[Tool]: ...
    def status(self) -> list[dict[str, Any]]: ...


class MakeCaller(Protocol):
    """Makes what the engine hands to its models, of what was checked."""

    def __call__(
        self, *, base_url: str, addresses: tuple[str, ...], api_key: SecretStr | None
    ) -> Caller: ...


def router(
    turns: Turns,
    tools: Shelf | None,
    results: Results,
    *,
    policy: Policy,
    caller: MakeCaller,
    streams: StreamLimits | None = None,
    json_depth: int = 64,
    input_chars: int = INPUT_CHARS,
) -> APIRouter:
    """All routes of the wire. `policy` says which servers of callers may be asked."""
    door = Door(turns, FORM, streams or StreamLimits())
    chat = Chat(door, policy, caller, depth=json_depth, most_chars=input_chars)
    shelf = Shelves(door, tools, results)
    tags: list[Any] = [decode.WIRE]
    routes = APIRouter(tags=tags)

    for path, (method, handler, summary) in {
        "/api/chat/stream": ("POST", chat.stream, "Ask, and follow the answer"),
        "/api/chat/stream/direct": ("POST", chat.direct, "Ask in a given context"),
        DECISION: ("POST", chat.decide, "Let a call that waits run, or refuse it"),
        "/api/chat/abort": ("POST", chat.abort, "Stop a turn, or a session's turns"),
        "/api/tools": ("GET", shelf.tools, "The tools a model may call"),
        "/api/servers": ("GET", shelf.servers, "The servers that tools run on"),
        RESULT: ("GET", shelf.result, "A long result of a tool, whole"),
    }.items():
        told = {**TOLD[path], "response_class": Response}
        routes.add_api_route(path, handler, methods=[method], summary=summary, **told)
    return routes


class Chat:
    """`/api/chat`."""

    def __init__(
        self, door: Door, policy: Policy, caller: MakeCaller, *, depth: int, most_chars: int
    ) -> None:
        self._door = door
        self._policy = policy
        self._caller = caller
        self._depth = depth
        self._chars = most_chars

    async def stream(self, request: Request) -> Response:
        """Starts a turn that goes on with the session; answers with its stream."""
        self._door.enter(request, "chat")
        resumed = await self._door.resume(request)
        if resumed is not None:
            return resumed
        body = await read_json(request, depth=self._depth)
        turn, brought = decode.from_stream(body, most_chars=self._chars)
        return await self._begin(request, body, turn=turn, brought=brought)

    async def direct(self, request: Request) -> Response:
        """Starts a turn in the given context alone; answers with its stream."""
        self._door.enter(request, "chat")
        resumed = await self._door.resume(request)
        if resumed is not None:
            return resumed
        body = await read_json(request, depth=self._depth)
        turn, brought = decode.from_direct(body, most_chars=self._chars)
        return await self._begin(request, body, turn=turn, brought=brought)

    async def decide(self, request: Request) -> Response:
        """Lets a call that waits run, or refuses it; answers with the turn that goes on."""
        self._door.enter(request, "chat")
        call_id = _call_id(request)
        resumed = await self._door.resume(request)
        if resumed is not None:
            return resumed
        body = await read_json(request, depth=self._depth)
        decided, brought = decode.decision(body)
        how = partial(
            self._door.turns.decide,
            call_id=call_id,
            approve=decided.approve,
            reason=decided.reason,
            idempotency=idempotency_of(request, decode.without_secrets(body)),
            caller=await self._checked(brought) if brought else None,
        )
        started = await self._door.begin(request, how)
        return await self._door.follow(request, started.record.turn_id)

    async def abort(self, request: Request) -> Response:
        """Stops what runs; the ids of the turns that were stopped."""
        owner = self._door.enter(request, "chat", "sessions:write")
        asked = decode.abort(await read_json(request, depth=self._depth))
        turns = self._door.turns
        running = await self._running(owner, asked)
        stopped = await asyncio.gather(*(turns.abort(owner, turn_id) for turn_id in running))
        # One that ended by itself meanwhile was not stopped.
        over = ("completed", "failed")
        return json_answer({"aborted": [r.turn_id for r in stopped if r.status not in over]})

    async def _running(self, owner: str, asked: AbortBody) -> list[str]:
        """What is meant and has not ended; with both fields the turn, if it is the session's."""
        turns = self._door.turns
        if asked.turn_id is None:
            return await turns.under_way(owner, asked.session_id or "")
        if TURN_ID.fullmatch(asked.turn_id) is None:
            return []
        try:
            record = await turns.record(owner, asked.turn_id)
        except NotFound:
            return []
        elsewhere = asked.session_id not in (None, record.session_id)
        return [] if record.ended or elsewhere else [record.turn_id]

    async def _begin(
        self, request: Request, body: dict[str, Any], *, turn: TurnRequest, brought: Brought
    ) -> Response:
        idempotency = idempotency_of(request, decode.without_secrets(body))
        caller = await self._checked(brought) if brought else None
        started = await self._door.start(request, turn, idempotency, caller=caller)
        return await self._door.follow(request, started.record.turn_id)

    async def _checked(self, brought: Brought) -> Caller:
        """:raises Forbidden: the server may not be asked."""
        if not brought.base_url:
            return self._caller(base_url="", addresses=(), api_key=brought.api_key)
        to = await self._policy.admit(brought.base_url)
        return self._caller(base_url=to.url, addresses=to.addresses, api_key=brought.api_key)


class Shelves:
    """`/api/tools` and `/api/servers`."""

    def __init__(self, door: Door, tools: Shelf | None, results: Results) -> None:
        self._door = door
        self._tools = tools
        self._show = show(results)

    async def tools(self, request: Request) -> Response:
        """Every tool that can be called now."""
        self._door.enter(request, "chat", "tools")
        shown = [_shown(tool) for tool in self._offered()]
        return json_answer({"tools": shown, "total": len(shown)})

    async def servers(self, request: Request) -> Response:
        """Every configured MCP server as it is now, its tools by the names they have here."""
        self._door.enter(request, "chat", "tools")
        offered = self._offered()
        servers = [
            {**each, "tools": [tool.name for tool in offered if tool.server == each["name"]]}
            for each in (self._tools.status() if self._tools is not None else ())
        ]
        return json_answer({"servers": servers, "total": len(servers)})

    async def result(self, request: Request) -> Response:
        """What a tool gave, where the conversation has a summary of it."""
        self._door.enter(request, "chat", "sessions:read")
        _call_id(request)
        return await self._show(request)

    def _offered(self) -> Sequence[Tool]:
        return self._tools.offered() if self._tools is not None else ()


def _call_id(request: Request) -> str:
    call_id = str(request.path_params["tool_call_id"])
    if not decode.is_call_id(call_id):
        raise NotFound("There is no such call.")
    return call_id


def _shown(tool: Tool) -> dict[str, Any]:
    shown = {
        "name": tool.name,
        "description": tool.description,
        "input_schema": tool.input_schema,
        "supports_streaming": tool.supports_streaming,
        "server": tool.server,
    }
    return {**shown, "requires_approval": True} if tool.requires_approval else shown
