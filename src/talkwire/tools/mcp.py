"""All configured MCP servers as one source of tools. What they say is data, never trusted.

A server that is down, hangs, crashes or floods keeps neither the start nor the others waiting: each
has a task of its own. The SDK is loaded when there is a server to connect to.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from talkwire.canon.tools import CallContext, Tool, ToolAnswer
from talkwire.tools.mcp_config import McpServerConfig
from talkwire.tools.mcp_server import McpServer
from talkwire.tools.near import unknown


class McpServers:
    """Tools of several servers. A name that two of them have is `server.tool` for both."""

    def __init__(self, configs: Iterable[McpServerConfig]) -> None:
        self._servers = {config.name: McpServer(config) for config in configs}

    async def open(self) -> None:
        """Returns at once; connecting goes on in the background."""
        for server in self._servers.values():
            server.open()

    async def close(self) -> None:
        """Every connection is closed, and every process that was started has ended."""
        await asyncio.gather(*(server.close() for server in self._servers.values()))

    def offered(self) -> Sequence[Tool]:
        """What can be called now, in the order of the configuration."""
        found = [(tool.name, tool) for s in self._servers.values() for tool in s.offered()]
        named = _named(found)
        return [
            tool if tool.name == name else replace(tool, name=name) for name, tool in named.items()
        ]

    async def call(
        self,
        name: str,
        arguments: dict[str, Any],
        context: CallContext,
        hear: Callable[[str], None],
    ) -> ToolAnswer:
        """Also of a tool that its server listed last, when that is not connected any more: the
        answer then says so. Nothing of the context leaves this process.
        """
        named = _named([(t.name, t) for s in self._servers.values() for t in s.known()])
        tool = named.get(name)
        if tool is None:
            return unknown(name, named)
        return await self._servers[tool.server].call(tool.name, arguments, hear)

    def status(self) -> list[dict[str, Any]]:
        """Each server as it is now: name, transport, status (connected, connecting, failed or
        disabled), tools, resources, prompts, protocol_version, server_info, last_error, latency_ms.
        """
        return [server.status() for server in self._servers.values()]


def _named(tools: Sequence[tuple[str, Tool]]) -> dict[str, Tool]:
    """Each tool by a name that no other has."""
    times = Counter(name for name, _ in tools)
    named: dict[str, Tool] = {}
    for name, tool in tools:
        wanted = name if times[name] == 1 else f"{tool.server}.{name}"
        unique, number = wanted, 2
        while unique in named or (unique != name and unique in times):
            unique, number = f"{wanted}_{number}", number + 1
        named[unique] = tool
    return named
