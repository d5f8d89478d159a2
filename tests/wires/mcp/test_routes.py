"""The route: what it takes, what it refuses, and what is called off."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from talkwire.canon.events import Stamped, TurnAborted
from tests.cases.turns import CASES
from tests.wires.mcp.desk import setting

HELLO = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
CHAT = {"name": "chat", "arguments": {"input": "Hello"}}


async def test_a_client_shakes_hands_and_is_told_the_tools() -> None:
    async with setting() as here:
        answer = await here.post(HELLO)
        told = await here.ask("tools/list", {})

    assert answer.status_code == 200
    assert len(answer.headers["mcp-session-id"]) == 32
    assert '"serverInfo":{"name":"talkwire"' in answer.text
    tools = {tool["name"]: tool for tool in told[-1]["result"]["tools"]}
    assert set(tools) == {"chat", "list_sessions", "read_session"}
    assert tools["chat"]["inputSchema"]["required"] == ["input"]
    assert tools["read_session"]["annotations"]["readOnlyHint"] is True


async def test_there_is_nothing_to_get_and_nothing_to_delete() -> None:
    async with setting() as here:
        answers = [await here.client.request(method, "/mcp") for method in ("GET", "DELETE")]

    assert [answer.status_code for answer in answers] == [405, 405]


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"[]", 400), (b'{"a":' * 99 + b"1" + b"}" * 99, 400), (b"\xff", 400)],
)
async def test_what_is_no_message_is_a_parse_error(body: bytes, status: int) -> None:
    async with setting() as here:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        answer = await here.client.post("/mcp", content=body, headers=headers)

    assert answer.status_code == status
    assert answer.json()["error"]["code"] == -32700


async def test_a_request_that_is_called_off_stops_its_turn_and_no_other() -> None:
    async with setting(CASES["plain"][:3]) as here:
        asking = asyncio.create_task(here.ask("tools/call", CHAT, id=7))
        async with asyncio.timeout(20):
            while not here.turns.log.readers:  # noqa: ASYNC110 - a state that no event tells of
                await asyncio.sleep(0.01)
        for session, asked in (("another", 7), ("", 7), ("mine", 8), ("mine", "7")):
            body = {"method": "notifications/cancelled", "params": {"requestId": asked}}
            answer = await here.post({"jsonrpc": "2.0", **body}, **{"Mcp-Session-Id": session})
            assert answer.status_code == 202
        assert here.turns.aborts == []

        body = {"method": "notifications/cancelled", "params": {"requestId": 7}}
        await here.post({"jsonrpc": "2.0", **body})
        assert len(here.turns.aborts) == 1
        log = here.turns.log
        log.events.append(Stamped(len(log.events), 1, TurnAborted("client")))
        log.show(len(log.events))

        assert (await asking)[-1]["error"]["code"] == -32800


def test_the_sdk_is_not_loaded_with_the_routes() -> None:
    code = (
        "import sys, talkwire.wires.mcp.routes\n"
        "sys.exit(1 if {'mcp', 'mcp_types', 'sse_starlette'} & set(sys.modules) else 0)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=50).returncode == 0
