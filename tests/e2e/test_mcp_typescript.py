"""Talkwire as an MCP server for the official TypeScript SDK, where that is installed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.provider import Provider, said
from tests.e2e.servers import Server
from tests.examples.front_end import NODE
from tests.tools.servers import EVERYTHING

SDK = EVERYTHING.parents[2] / "sdk"
CLIENT = Path(__file__).with_name("mcp_client.mjs")


@pytest.mark.skipif(not SDK.is_dir(), reason="no npm package here: see scripts/setup-tests")
async def test_it_lists_chats_and_calls_off(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    server = await fresh_server(config={"models": [provider.model()]}).start()
    node = await asyncio.create_subprocess_exec(
        str(NODE),
        str(CLIENT),
        str(SDK),
        f"{server.url}/mcp",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(40):
        out, errors = await node.communicate()

    assert node.returncode == 0, errors.decode()
    told = json.loads(out)
    assert sorted(told["tools"]) == [
        "ask_support",
        "chat",
        "list_scenarios",
        "list_sessions",
        "read_session",
    ]
    assert told["answered"]["structuredContent"]["text"] == said(9) == "".join(told["texts"])
    assert told["calledOff"] == "called off"
    assert told["wrong"]["isError"] is True
    await asyncio.wait_for(provider.called("stall")[0].closed.wait(), 5)
