"""One MCP server and the task that owns it: opens the connection, looks after it, closes it, and
opens it again when it is lost. Calls come from any task.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from random import SystemRandom
from typing import TYPE_CHECKING, Any, Literal

from talkwire.canon.tools import Tool, ToolAnswer
from talkwire.tools.mcp_config import McpServerConfig
from talkwire.tools.mcp_link import Ended, LinkBroken

if TYPE_CHECKING:
    from talkwire.tools.mcp_session import Link

_LEAST_PAUSE_S = 0.5
_MOST_PAUSE_S = 60.0
_STABLE_S = 30.0
"""A connection that held as long was a good one: the next pause is short again."""
_LOOK_EVERY_S = 30.0
_LOOK_WITHIN_S = 5.0
_RELIST_PAUSE_S = 0.25
_ERROR_CHARS = 1000

Status = Literal["connected", "connecting", "failed", "disabled"]


class McpServer:
    """A server as it is configured, whatever state it is in."""

    def __init__(self, config: McpServerConfig) -> None:
        self.config = config
        self.resources: tuple[dict[str, Any], ...] = ()
        self.prompts: tuple[dict[str, Any], ...] = ()
        self._status: Status = "connecting" if config.enabled else "disabled"
        self._since = _now()
        self._tools: tuple[Tool, ...] = ()
        self._link: Link | None = None
        self._owner: asyncio.Task[None] | None = None
        self._calls = 0
        self._waiting = 0
        self._failures = 0
        self._legacy = False
        self._stood = False
        self._closing = False
        self._last_error = ""
        self._refused = ""
        self._latency_ms: float | None = None
        self._settled = asyncio.Event()
        """It is known whether calls can be made now."""
        self._stirred = asyncio.Event()
        self._nudged = asyncio.Event()

    def offered(self) -> tuple[Tool, ...]:
        """What it listed last, while it is connected or about to be again."""
        return self._tools if self._status in {"connected", "connecting"} else ()

    def known(self) -> tuple[Tool, ...]:
        """What it listed last."""
        return self._tools

    def status(self) -> dict[str, Any]:
        """What is true of it now. Errors are in words, without what only the server was told."""
        link = self._link
        return {
            "name": self.config.name,
            "transport": self.config.transport,
            "status": self._status,
            "tools": [tool.name for tool in self.offered()],
            "resources": list(self.resources) if link else [],
            "prompts": list(self.prompts) if link else [],
            "protocol_version": link.protocol_version if link else None,
            "server_info": link.server_info if link else None,
            "since": self._since,
            "last_error": self._refused or self._last_error or None,
            "latency_ms": self._latency_ms if link else None,
        }

    def open(self) -> None:
        """Begins to connect. Once; a server that is disabled stays closed."""
        if self.config.enabled and self._owner is None:
            self._owner = asyncio.create_task(self._own(), name=f"mcp {self.config.name}")

    async def close(self) -> None:
        """The connection is closed and its process has ended when this returns."""
        owner, self._owner = self._owner, None
        if owner is None:
            return
        self._closing = True
        while not owner.done():  # a library may swallow one cancellation
            owner.cancel()
            await asyncio.wait([owner], timeout=_LOOK_WITHIN_S)
        self._tools, self._status = (), "disabled"
        self._settled.set()

    async def call(
        self, name: str, arguments: dict[str, Any], hear: Callable[[str], None]
    ) -> ToolAnswer:
        """Waits for a connection that is about to be; whatever goes wrong there is an answer."""
        link = await self._ready()
        if link is None:
            why = self._last_error or "It is not connected."
            return self._failed(f"cannot be reached: {why}")
        self._calls += 1
        try:
            async with asyncio.timeout(self.config.timeout_s):
                return await link.call(name, arguments, hear)
        except TimeoutError:
            self._doubt(link)
            return self._failed(f"gave no answer within {self.config.timeout_s:g} s.")
        except asyncio.CancelledError:
            self._doubt(link)
            raise
        except LinkBroken:
            link.ended.end("")
            why = self._clean(link.ended.told("It closed the connection."))
            return self._failed(f"broke off while it worked: {why}")
        finally:
            self._calls -= 1

    def _failed(self, what: str) -> ToolAnswer:
        return ToolAnswer(f"The tool server {self.config.name!r} {what}", is_error=True)

    async def _ready(self) -> Link | None:
        """The connection, once it stands; None if it does not."""
        self._nudged.set()
        self._waiting += 1
        try:
            async with asyncio.timeout(self.config.connect_timeout_s):
                while True:
                    await self._settled.wait()
                    if self._link is None or not self._link.ended.happened.is_set():
                        return self._link
                    self._settled.clear()  # its owner has not seen it yet
        except TimeoutError:
            return None
        finally:
            self._waiting -= 1

    def _doubt(self, link: Link) -> None:
        """Further calls wait until the server has shown that it still answers."""
        if link is self._link:
            link.doubtful = True
            self._settled.clear()
            self._stirred.set()

    async def _own(self) -> None:
        """Until it is cancelled. No error of a server or of a library ends it."""
        loop = asyncio.get_running_loop()
        session = await asyncio.to_thread(importlib.import_module, "talkwire.tools.mcp_session")
        while not self._closing:
            began = loop.time()
            self._stood = False
            ended = Ended()
            try:
                await self._hold(session, ended)
            except Exception as error:
                why = session.why(error, self.config.connect_timeout_s)
                self._last_error = self._clean(ended.told(why))
            if not self._stood:
                self._legacy = not self._legacy  # some servers end when asked for a newer protocol
                self._settle("failed", None)
            self._failures = 0 if loop.time() - began > _STABLE_S else self._failures + 1
            await self._pause()

    async def _hold(self, session: Any, ended: Ended) -> None:
        """One connection, from its beginning to its end, which is raised."""
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(self.config.connect_timeout_s):
                link: Link = await stack.enter_async_context(
                    session.connected(self.config, ended, legacy=self._legacy)
                )
                await self._list(link)
            self._stood = True
            ended.stir = self._stirred.set
            self._settle("connected", link)
            listening = asyncio.create_task(link.listen())
            try:
                await self._attend(link)
            finally:
                self._settle("connecting", None)
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)

    def _settle(self, status: Status, link: Link | None) -> None:
        """What the state is now, and whether calls have to wait for another."""
        if status != self._status:
            self._since = _now()
        self._status, self._link = status, link
        if status == "connecting":
            self._settled.clear()
        else:
            self._settled.set()

    async def _attend(self, link: Link) -> None:
        """Looks after a connection until it has ended."""
        idle = False
        while not link.ended.happened.is_set():
            self._stirred.clear()
            if link.doubtful or link.stale or (idle and not self._calls):
                await self._look(link)
                await asyncio.sleep(_RELIST_PAUSE_S)
            idle = True
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY_S):
                    await self._stirred.wait()
                    idle = False
        raise LinkBroken(link.ended.told("It closed the connection."))

    async def _look(self, link: Link) -> None:
        """Lists anew, which is also the proof of life. With calls under way silence is none."""
        link.stale = False
        try:
            async with asyncio.timeout(min(self.config.connect_timeout_s, _LOOK_WITHIN_S)):
                await self._list(link)
        except TimeoutError:
            if not self._calls:
                link.ended.end("It does not answer any more.")
                return
        else:
            link.doubtful = False
        self._settled.set()

    async def _list(self, link: Link) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        tools, refused = await link.tools()
        self._latency_ms = round((loop.time() - began) * 1000, 1)
        self.resources, self.prompts = await link.resources(), await link.prompts()
        self._tools, self._refused = tools, refused

    async def _pause(self) -> None:
        """Longer after each failure and never the same; a call cuts it short, not to nothing."""
        most = min(_MOST_PAUSE_S, _LEAST_PAUSE_S * 2 ** min(self._failures, 10))
        await asyncio.sleep(_LEAST_PAUSE_S * SystemRandom().uniform(0.5, 1.0))
        self._nudged.clear()
        if self._waiting:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(most * SystemRandom().uniform(0.5, 1.0)):
                await self._nudged.wait()

    def _clean(self, text: str) -> str:
        return self.config.redacted(text)[:_ERROR_CHARS]


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
