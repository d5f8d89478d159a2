"""One connection to an MCP server, through the official SDK. Opened and closed by one task.

The only modules that know the SDK are this one and those it imports; they are loaded when there
is a server to connect to. The SDK's own check of results is passed by: it would run a foreign
schema, regular expressions and all, in the event loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from itertools import count
from typing import Any

import httpx2
from mcp import Client, MCPError
from mcp.client.subscriptions import SubscriptionLost
from mcp_types import (
    CONNECTION_CLOSED,
    INTERNAL_ERROR,
    INVALID_REQUEST,
    PARSE_ERROR,
    REQUEST_TIMEOUT,
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    EmptyResult,
    Implementation,
    InputRequiredResult,
    LoggingMessageNotificationParams,
    PingRequest,
    PromptListChangedNotification,
    ResourceListChangedNotification,
    ToolListChangedNotification,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from msgspec.structs import replace
from pydantic import TypeAdapter, ValidationError

from talkwire import __version__
from talkwire.canon.tools import Tool, ToolAnswer
from talkwire.tools import mcp_offer
from talkwire.tools.mcp_answer import answer, cut
from talkwire.tools.mcp_config import Command, McpServerConfig
from talkwire.tools.mcp_hearing import Hearing
from talkwire.tools.mcp_http import TooMuch, remote
from talkwire.tools.mcp_link import Ended, LinkBroken
from talkwire.tools.mcp_stdio import child
from talkwire.tools.mcp_text import clean

_MOST_PAGES = 50
_ERROR_CHARS = 2000
_DOUBTFUL = {INTERNAL_ERROR, INVALID_REQUEST, PARSE_ERROR, REQUEST_TIMEOUT}
_RESULT: TypeAdapter[CallToolResult | InputRequiredResult] = TypeAdapter(
    CallToolResult | InputRequiredResult
)

_WORDS: dict[type[BaseException], str] = {
    FileNotFoundError: "Its command or its folder was not found.",
    PermissionError: "Its command may not be run.",
    MCPError: "It closed the connection.",
    httpx2.ConnectError: "It cannot be connected to.",
    ValidationError: "It answered against the protocol.",
}

# They would write foreign text into our log; what matters of it is in a server's `last_error`.
for _name in ("mcp", "client"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


class Link:
    """A connection that stands. `stale`: its lists have changed. `doubtful`: it may be broken
    without having ended. Its `ended` stirs when either comes true, and when it ends.
    """

    def __init__(
        self, client: Client, config: McpServerConfig, ended: Ended, hearers: dict[int, Hearing]
    ) -> None:
        self._client = client
        self._config = config
        self._hearers = hearers
        self._calls = count()
        self.ended = ended
        self.stale = False
        self.doubtful = False
        self.protocol_version = clean(client.protocol_version, 64)
        told = client.server_info
        self.server_info = told and {
            "name": clean(told.name, 128),
            "version": clean(told.version, 64),
        }

    def changed(self) -> None:
        self.stale = True
        self.ended.stir()

    async def call(
        self, name: str, arguments: dict[str, Any], hear: Callable[[str], None]
    ) -> ToolAnswer:
        """Raises LinkBroken. Cancelled, it tells the server so."""
        hearing = Hearing(hear)
        number = next(self._calls)
        self._hearers[number] = hearing
        try:
            result = await self._client.session.send_request(
                CallToolRequest(params=CallToolRequestParams(name=name, arguments=arguments)),
                _RESULT,
                progress_callback=hearing.progress,
            )
        except MCPError as error:
            if self.ended.happened.is_set() or _closed(error):
                raise LinkBroken from None
            self._doubt(error.code in _DOUBTFUL)
            text = self._config.redacted(clean(error.message, _ERROR_CHARS))
            return cut(text or "The tool server refused the call.", is_error=True)
        except (ValidationError, ValueError, RuntimeError):
            self._doubt(True)
            return cut("The tool server answered against the protocol.", is_error=True)
        finally:
            hearing.close()
            del self._hearers[number]
        if isinstance(result, InputRequiredResult):
            return cut("The tool asks for input that nobody here can give.", is_error=True)
        told = await asyncio.to_thread(answer, result) if _large(result) else answer(result)
        if told.is_error:
            told = replace(told, result=self._config.redacted(told.result))
        return told

    def _doubt(self, doubtful: bool) -> None:
        self.doubtful = self.doubtful or doubtful
        self.ended.stir()

    async def tools(self) -> tuple[tuple[Tool, ...], str]:
        """What it offers, and why some is not; also the proof that it still answers."""
        if self._client.server_capabilities.tools is None:
            if self.protocol_version not in MODERN_PROTOCOL_VERSIONS:
                await self._client.session.send_request(PingRequest(), EmptyResult)
            return (), ""
        found = await _pages(
            lambda cursor: self._client.list_tools(cursor=cursor), "tools", mcp_offer.MOST_TOOLS
        )
        return await asyncio.to_thread(mcp_offer.tools, found, self._config)

    async def resources(self) -> tuple[dict[str, Any], ...]:
        if self._client.server_capabilities.resources is None:
            return ()
        found: list[Any] = []
        client, most = self._client, mcp_offer.MOST_ENTRIES
        with suppress(MCPError):
            found += await _pages(lambda c: client.list_resources(cursor=c), "resources", most)
        with suppress(MCPError):
            found += await _pages(
                lambda c: client.list_resource_templates(cursor=c), "resource_templates", most
            )
        return mcp_offer.resources(found)

    async def prompts(self) -> tuple[dict[str, Any], ...]:
        if self._client.server_capabilities.prompts is None:
            return ()
        found: list[Any] = []
        with suppress(MCPError):
            found += await _pages(
                lambda c: self._client.list_prompts(cursor=c), "prompts", mcp_offer.MOST_ENTRIES
            )
        return mcp_offer.prompts(found)

    async def listen(self) -> None:
        """Hears of changes where the protocol has a stream of its own for them."""
        offers = self._client.server_capabilities
        tools = bool(offers.tools and offers.tools.list_changed)
        resources = bool(offers.resources and offers.resources.list_changed)
        prompts = bool(offers.prompts and offers.prompts.list_changed)
        modern = self.protocol_version in MODERN_PROTOCOL_VERSIONS
        if not modern or not (tools or resources or prompts):
            return
        with suppress(MCPError, SubscriptionLost):
            async with self._client.listen(
                tools_list_changed=tools,
                resources_list_changed=resources,
                prompts_list_changed=prompts,
            ) as events:
                async for _ in events:
                    self.changed()


def _closed(error: MCPError) -> bool:
    """Whether it is the SDK's own; servers use the same number for errors of theirs."""
    return error.code == CONNECTION_CLOSED and error.message == "Connection closed"


def _large(result: CallToolResult) -> bool:
    """Whether to make text of it takes long enough to be felt by others."""
    return result.structured_content is not None or len(result.content) > 100


async def _pages(ask: Callable[[str | None], Awaitable[Any]], kind: str, most: int) -> list[Any]:
    """All pages of a list, at most `most` entries: some servers never come to an end."""
    found: list[Any] = []
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        page = await ask(cursor)
        found += getattr(page, kind)
        cursor = page.next_cursor
        if cursor is None or len(found) >= most:
            break
    return found[:most]


@asynccontextmanager
async def connected(config: McpServerConfig, ended: Ended, *, legacy: bool) -> AsyncIterator[Link]:
    """A connection, with the protocol agreed upon. `legacy`: without asking for a newer one, which
    some servers take amiss. Raises whatever the SDK and the system raise, in groups too.
    """
    hearers: dict[int, Hearing] = {}
    links: list[Link] = []

    async def on_log(params: LoggingMessageNotificationParams) -> None:
        # It does not say which call it belongs to: with several it could be somebody else's.
        if len(hearers) == 1:
            next(iter(hearers.values())).log(params.data)

    async def on_message(message: object) -> None:
        kinds = (
            ToolListChangedNotification,
            ResourceListChangedNotification,
            PromptListChangedNotification,
        )
        if links and isinstance(message, kinds):
            links[0].changed()

    client = Client(
        _transport(config, ended),
        logging_callback=on_log,
        log_level="info",
        message_handler=on_message,
        client_info=Implementation(name="talkwire", version=__version__),
        mode="legacy" if legacy else "auto",
        cache=None,
    )
    async with client:
        links.append(Link(client, config, ended, hearers))
        yield links[0]


def why(error: BaseException, within_s: float) -> str:
    """What went wrong, for people; without addresses and commands, which are nobody's business."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    match error:
        case LinkBroken() | TooMuch():
            return str(error)
        case MCPError() if not _closed(error):
            return f"It refused: {clean(error.message, _ERROR_CHARS)}"
        case TimeoutError() | httpx2.TimeoutException():
            return f"It did not answer within {within_s:g} s."
    known = (words for kind, words in _WORDS.items() if isinstance(error, kind))
    return next(known, f"The connection failed ({type(error).__name__}).")


def _transport(config: McpServerConfig, ended: Ended) -> AbstractAsyncContextManager[Any]:
    if isinstance(config.at, Command):
        return child(config.at, ended)
    return remote(config, config.at.url, config.at.headers, ended)
