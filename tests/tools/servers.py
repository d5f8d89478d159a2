"""MCP servers under test: hostile ones of our own, and real ones."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from talkwire.canon.tools import ToolAnswer
from talkwire.tools.mcp import McpServers
from talkwire.tools.mcp_config import McpServerConfig, read_server
from tests.tools.calls import CONTEXT, Heard

HOSTILE = Path(__file__).with_name("hostile.py")
EVERYTHING = (
    Path(__file__).parents[2]
    / ".venv/mcp-everything/node_modules/@modelcontextprotocol/server-everything/dist/index.js"
)
PATIENCE_S = 50.0


def on_pipes(*args: str, name: str = "hostile", **more: Any) -> McpServerConfig:
    """The hostile server as a child process."""
    entry = {"command": sys.executable, "args": ["-S", "-E", str(HOSTILE), "stdio", *args]}
    return read_server(name, entry | {"connect_timeout_s": 40} | more)


@contextmanager
def on_http(
    mode: str = "", name: str = "hostile", port: int = 0, **more: Any
) -> Iterator[McpServerConfig]:
    """The hostile server at a port of its own."""
    with subprocess.Popen(
        [sys.executable, "-S", "-E", str(HOSTILE), "http", mode, str(port)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline())
            entry: dict[str, Any] = {"url": f"http://127.0.0.1:{port}/mcp"}
            yield read_server(name, entry | {"connect_timeout_s": 40} | more)
        finally:
            process.kill()


@asynccontextmanager
async def opened(*configs: McpServerConfig) -> AsyncIterator[McpServers]:
    """The servers, closed behind the test. None of them is connected yet."""
    servers = McpServers(configs)
    await servers.open()
    try:
        yield servers
    finally:
        async with asyncio.timeout(PATIENCE_S):
            await servers.close()


@asynccontextmanager
async def connected(*configs: McpServerConfig) -> AsyncIterator[McpServers]:
    """The servers, once each of them is connected."""
    async with opened(*configs) as servers:
        await eventually(lambda: all(s["status"] == "connected" for s in servers.status()))
        yield servers


async def eventually(condition: Callable[[], bool], within_s: float = PATIENCE_S) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - a state that no event tells of
            await asyncio.sleep(0.01)


async def call(
    servers: McpServers, name: str, heard: Heard | None = None, **arguments: Any
) -> ToolAnswer:
    async with asyncio.timeout(PATIENCE_S):
        return await servers.call(name, arguments, CONTEXT, heard or Heard())
