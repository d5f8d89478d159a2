"""What a failed connection is told as, and servers that speak the newest protocol."""

from __future__ import annotations

import sys
from pathlib import Path

import httpx2
import pytest
from mcp import MCPError

from talkwire.tools.mcp_config import read_server
from talkwire.tools.mcp_link import LinkBroken
from talkwire.tools.mcp_session import why
from tests.tools.calls import Heard
from tests.tools.servers import call, connected, eventually

MODERN = """
import asyncio
from mcp.server.mcpserver import Context, MCPServer

server = MCPServer("modern", version="3")

@server.tool()
async def grow(context: Context) -> str:
    server.add_tool(lambda: "grown", name="grown")
    await context.notify_tools_changed()
    return "changed"

@server.tool()
async def work(context: Context) -> str:
    await context.report_progress(1, 2, "half")
    return "done"

server.run()
"""


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (LinkBroken("It crashed."), "It crashed."),
        (TimeoutError(), "It did not answer within 3 s."),
        (httpx2.ReadTimeout("x"), "It did not answer within 3 s."),
        (ExceptionGroup("a", [ExceptionGroup("b", [httpx2.ConnectError("x")])]), None),
        (FileNotFoundError("/secret/path"), "Its command or its folder was not found."),
        (PermissionError("/secret/path"), "Its command may not be run."),
        (MCPError(-32000, "Connection closed"), "It closed the connection."),
        (MCPError(-32000, "No\u200b licence"), "It refused: No licence"),
        (KeyError("secret"), "The connection failed (KeyError)."),
    ],
)
def test_what_went_wrong_is_told_without_addresses(error: BaseException, told: str | None) -> None:
    assert why(error, 3) == (told or "It cannot be connected to.")


async def test_the_newest_protocol_has_progress_and_changed_lists(tmp_path: Path) -> None:
    script = tmp_path / "modern.py"
    script.write_text(MODERN, "utf-8")
    entry = {"command": sys.executable, "args": [str(script)], "connect_timeout_s": 45}
    async with connected(read_server("modern", entry)) as servers:
        assert servers.status()[0]["protocol_version"] >= "2026"
        heard = Heard()
        assert (await call(servers, "work", heard)).result == "done"
        assert heard.text == "1/2 half\n"

        assert (await call(servers, "grow")).result == "changed"

        await eventually(lambda: "grown" in [tool.name for tool in servers.offered()])
