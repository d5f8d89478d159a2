"""The HTTP route of this wire; `Request` stops here, and in the SDK behind it."""

from __future__ import annotations

import asyncio
import importlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from talkwire.canon.errors import BadRequest, TalkwireError
from talkwire.engine.storage_ports import Conversations
from talkwire.web.form import Form, StreamLimits
from talkwire.web.limits import read_json
from talkwire.web.principals import principal_of
from talkwire.web.start import Door, Turns
from talkwire.wires.mcp import decode, encode
from talkwire.wires.mcp.encode import Encoder, NotJsonRpc
from talkwire.wires.mcp.line import Line, put
from talkwire.wires.mcp.shapes import INPUT_CHARS
from talkwire.wires.mcp.told import told

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    from talkwire.wires.mcp.calls import HelpDesk

FORM = Form(decode.WIRE, Encoder, encode.fault, heartbeat=None, ids=False)
ASKING: tuple[str, ...] = ()  # there is no GET
PATH = "/mcp"
_SESSION = "mcp-session-id"
_TAGS: list[Any] = [decode.WIRE]
Name = tuple[str, str, str | int]


def router(
    turns: Turns,
    conversations: Conversations,
    *,
    scenarios: HelpDesk | None = None,
    streams: StreamLimits | None = None,
    json_depth: int = 64,
    input_chars: int = INPUT_CHARS,
) -> APIRouter:
    """The route of the wire. Nothing of the SDK is loaded before the first request."""
    door = Door(turns, FORM, streams or StreamLimits())
    desk = Desk(door, conversations, json_depth, input_chars, scenarios=scenarios)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await desk.close()

    routes = APIRouter(tags=_TAGS, lifespan=lifespan)
    routes.add_api_route(
        PATH,
        desk.post,
        methods=["POST"],
        summary="A message of the Model Context Protocol",
        response_class=Response,
        **told(PATH),
    )
    return routes


class Desk:
    """`/mcp`: hands messages to the SDK's server, which is kept by a task of its own."""

    def __init__(
        self,
        door: Door,
        conversations: Conversations,
        depth: int,
        most_chars: int,
        *,
        scenarios: HelpDesk | None = None,
    ) -> None:
        self._door = door
        self._scenarios = scenarios
        self._conversations = conversations
        self._depth = depth
        self._most_chars = most_chars
        self._owner: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[StreamableHTTPSessionManager] | None = None
        self._closing = asyncio.Event()
        self._lines: dict[Name, Line] = {}

    async def post(self, request: Request) -> Response:
        """Takes one JSON-RPC message, and answers with JSON or a stream."""
        self._door.enter(request, "chat", "sessions:read")
        try:
            message = await read_json(request, depth=self._depth)
        except BadRequest as error:
            raise _as_json_rpc(error) from None
        decode.check(message)
        await self._call_off(request, message)
        return Exchange(self, await self._manager(), request, message)

    async def close(self) -> None:
        """No request is answered any more; returns when the SDK has let go of everything."""
        self._closing.set()
        if self._owner is not None:
            await asyncio.wait([self._owner])

    async def exchange(
        self, manager: StreamableHTTPSessionManager, request: Request, message: Any, send: Send
    ) -> None:
        """Answer one message, known by its id for as long as that takes."""
        body = await request.body()
        line = Line(request.receive, send, body, self._door.limits.send_timeout_s)
        put(request.scope, line)
        name = _name(request, message.get("id"))
        if name is not None:
            self._lines[name] = line
        try:
            await manager.handle_request(request.scope, line.receive, line.send)
        finally:
            if name is not None and self._lines.get(name) is line:
                del self._lines[name]

    async def _call_off(self, request: Request, message: dict[str, Any]) -> None:
        """Stop the turn of a request that its client calls off by a message of its own."""
        name = _name(request, decode.cancelled_of(message))
        line = None if name is None else self._lines.get(name)
        if line is None:
            return
        line.called_off = True
        if line.turn_id is not None:
            with suppress(TalkwireError):
                await self._door.turns.abort(principal_of(request).id, line.turn_id)

    async def _manager(self) -> StreamableHTTPSessionManager:
        if self._ready is None:
            self._ready = asyncio.get_running_loop().create_future()
            self._owner = asyncio.create_task(self._own(self._ready), name="mcp server")
            self._owner.add_done_callback(self._ended)
        return await asyncio.shield(self._ready)

    def _ended(self, owner: asyncio.Task[None]) -> None:
        """Whoever waits for what could not be opened hears why; the next one tries again."""
        ready, self._ready = self._ready, None
        error = None if owner.cancelled() else owner.exception()
        if ready is not None and not ready.done() and error is not None:
            ready.set_exception(error)

    async def _own(self, ready: asyncio.Future[StreamableHTTPSessionManager]) -> None:
        """The SDK wants one task to open and to close what it keeps."""
        calls = await asyncio.to_thread(importlib.import_module, "talkwire.wires.mcp.calls")
        tools = calls.ToolCalls(
            self._door, self._conversations, self._most_chars, desk=self._scenarios
        )
        manager = tools.manager()
        async with manager.run():
            ready.set_result(manager)
            await self._closing.wait()


class Exchange(Response):
    """The answer to one message, written by the SDK."""

    def __init__(
        self,
        desk: Desk,
        manager: StreamableHTTPSessionManager,
        request: Request,
        message: dict[str, Any],
    ) -> None:
        super().__init__()
        self._desk = desk
        self._manager = manager
        self._request = request
        self._message = message

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A client that shakes hands is given a name, so that it can call off its own requests;
        nothing is kept under it, and any node takes it."""
        begins = self._message.get("method") == "initialize"
        name = secrets.token_hex(16).encode()

        async def named(message: Message) -> None:
            if begins and message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), (_SESSION.encode(), name)]
                message = {**message, "headers": headers}
            await send(message)

        await self._desk.exchange(self._manager, self._request, self._message, named)


def _name(request: Request, message_id: object) -> Name | None:
    """A request of this principal's client; None where the client or the request has no name."""
    client = request.headers.get(_SESSION)
    if not client or not isinstance(message_id, str | int):
        return None
    return principal_of(request).id, client, message_id


def _as_json_rpc(error: BadRequest) -> TalkwireError:
    """A body that is none is a parse error; what has a status of its own keeps it."""
    return NotJsonRpc(error.message, param=error.param) if error.status == 400 else error
