"""The tools of this wire, behind the official SDK's server. Loaded when the first client comes.

The server keeps nothing between requests: each is a POST that any node can answer.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import anyio
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.streamable_http import REQUEST_CANCELLED
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from starlette.requests import Request

from talkwire import __version__
from talkwire.canon.errors import Draining, TalkwireError
from talkwire.canon.events import TurnAborted
from talkwire.canon.fold import TurnState
from talkwire.canon.turn import TurnRequest
from talkwire.engine.ids import new_id
from talkwire.engine.reader import Reader, ReaderCut
from talkwire.engine.storage_ports import Conversations
from talkwire.web.principals import principal_of
from talkwire.web.start import Door
from talkwire.wires.mcp import decode, encode
from talkwire.wires.mcp.line import line_of
from talkwire.wires.mcp.offers import OFFERS, as_tool
from talkwire.wires.mcp.shapes import (
    ListArguments,
    ReadArguments,
    ScenarioArguments,
)

_ABORT_WITHIN_S = 5.0
_log = logging.getLogger(__name__)

Context = ServerRequestContext[Any, Request]


_OF_DESK = frozenset({"ask_support", "list_scenarios"})
_SPOKEN = frozenset({"chat", "ask_support"})


class HelpDesk(Protocol):
    """Who has the scenarios."""

    def listing(self) -> dict[str, Any]:
        """All of them by category, in the catalogue's order. :raises Unavailable: none."""
        ...


class ToolCalls:
    """Answers what clients ask of the tools. Without a `desk` there are none of scenarios."""

    def __init__(
        self,
        door: Door,
        conversations: Conversations,
        most_chars: int,
        *,
        desk: HelpDesk | None = None,
    ) -> None:
        self._door = door
        self._conversations = conversations
        self._most_chars = most_chars
        self._desk = desk
        left_out = _OF_DESK if desk is None else frozenset[str]()
        self._offers = {name: offer for name, offer in OFFERS.items() if name not in left_out}
        self._does: Mapping[str, Callable[[Context, dict[str, Any]], Awaitable[dict[str, Any]]]] = {
            "chat": self._chat,
            "ask_support": self._support,
            "list_scenarios": self._scenarios,
            "list_sessions": self._list,
            "read_session": self._read,
        }

    def manager(self) -> StreamableHTTPSessionManager:
        """The SDK's side. Bodies are bounded and hosts checked before anything gets there."""
        server: Server[Any] = Server(
            "talkwire",
            version=__version__,
            title="Talkwire",
            instructions="Chat with the models of this server; conversations are kept.",
            on_list_tools=self.offered,
            on_call_tool=self.call,
        )
        return StreamableHTTPSessionManager(
            server, stateless=True, max_request_body_size=sys.maxsize
        )

    async def offered(
        self, context: Context, params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        """The tools that the caller's key may use."""
        principal = principal_of(_request_of(context))
        return ListToolsResult(
            tools=[
                as_tool(name, offer)
                for name, offer in self._offers.items()
                if principal.may(*offer.scopes)
            ]
        )

    async def call(self, context: Context, params: CallToolRequestParams) -> CallToolResult:
        """Do what is asked; what goes wrong with it is a result that the model sees.

        :raises MCPError: there is no such tool, or the request was called off.
        """
        offer = self._offers.get(params.name)
        if offer is None:
            known = ", ".join(self._offers)
            raise MCPError(
                INVALID_PARAMS, f"There is no tool {params.name[:100]!r}; known: {known}"
            )
        try:
            self._door.enter(_request_of(context), *offer.scopes)
            given = await self._does[params.name](context, params.arguments or {})
        except TalkwireError as error:
            # Not as structured content: clients hold that to the schema of what succeeds.
            return CallToolResult(
                content=[TextContent(text=f"{error.message} ({error.code})")],
                is_error=True,
                meta={encode.ERROR: encode.told(error)},
            )
        except MCPError:
            raise
        except Exception:
            # The SDK would tell the client what the bug says.
            _log.exception("mcp.bug")
            raise MCPError(INTERNAL_ERROR, "This went wrong in a way nobody foresaw.") from None
        text = encode.spoken(given) if params.name in _SPOKEN else _json(given)
        return CallToolResult(content=[TextContent(text=text)], structured_content=given)

    async def _list(self, context: Context, arguments: dict[str, Any]) -> dict[str, Any]:
        asked = decode.checked(ListArguments, arguments)
        found = await self._conversations.sessions(
            _owner(context), limit=asked.limit, before=decode.place_of(asked.cursor)
        )
        return encode.session_list(found, asked.limit)

    async def _read(self, context: Context, arguments: dict[str, Any]) -> dict[str, Any]:
        asked = decode.checked(ReadArguments, arguments)
        found = await self._conversations.messages(
            _owner(context), asked.session_id, limit=asked.limit, leaf=asked.cursor
        )
        return encode.message_list(found, asked.session_id)

    async def _scenarios(self, context: Context, arguments: dict[str, Any]) -> dict[str, Any]:
        asked = decode.checked(ScenarioArguments, arguments)
        listing = {"categories": {}} if self._desk is None else self._desk.listing()
        return encode.scenario_list(listing, asked.category)

    async def _support(self, context: Context, arguments: dict[str, Any]) -> dict[str, Any]:
        turn = decode.question_of(arguments, session_id=new_id("s_"), most_chars=self._most_chars)
        return encode.helped(await self._run(context, turn))

    async def _chat(self, context: Context, arguments: dict[str, Any]) -> dict[str, Any]:
        turn = decode.turn_of(arguments, session_id=new_id("s_"), most_chars=self._most_chars)
        return encode.answer(await self._run(context, turn))

    async def _run(self, context: Context, turn: TurnRequest) -> TurnState:
        """Start a turn, and follow it to its end.

        A request that is called off stops its turn; a connection that is lost does not, but where
        the protocol says that closing it is how a request is called off.
        """
        request = _request_of(context)
        line = line_of(request.scope)
        with anyio.CancelScope(shield=True):  # a turn that was started has to be known
            started = await self._door.start(request, turn, None)
        turn_id = line.turn_id = started.record.turn_id
        try:
            if line.called_off:
                await self._door.turns.abort(_owner(context), turn_id)
            state = (await self._follow(context, request, turn_id)).state
            if line.called_off and isinstance(state.terminal, TurnAborted):
                raise MCPError(REQUEST_CANCELLED, "The request was called off.")
            return state
        except asyncio.CancelledError:
            if line.left and context.protocol_version in MODERN_PROTOCOL_VERSIONS:
                with anyio.move_on_after(_ABORT_WITHIN_S, shield=True):
                    await self._door.turns.abort(_owner(context), turn_id)
            raise

    async def _follow(self, context: Context, request: Request, turn_id: str) -> encode.Encoder:
        reader = await self._door.reader(request, turn_id)
        encoder = encode.Encoder(reader.turn_id, reader.session_id)
        try:
            await self._report(context, reader, encoder)
        except ReaderCut:
            raise Draining(
                f"The server stops following the turn {turn_id} of session {reader.session_id}."
                " It goes on: read_session has the answer later."
            ) from None
        finally:
            reader.close()
        return encoder

    async def _report(self, context: Context, reader: Reader, encoder: encode.Encoder) -> None:
        said = 0
        while not reader.ended:
            for piece in encoder.feed(await reader.next()):
                text = piece.decode()
                said += len(text)
                await context.session.report_progress(said, message=text)


def _request_of(context: Context) -> Request:
    if context.request is None:
        raise MCPError(INTERNAL_ERROR, "No HTTP request.")
    return context.request


def _owner(context: Context) -> str:
    return principal_of(_request_of(context)).id


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
