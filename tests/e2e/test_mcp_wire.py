"""Talkwire as an MCP server, over a socket, with the official SDK's client of both protocols."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult

from tests.e2e.keyed import KEYS_MODE, Key, make_key
from tests.e2e.provider import Provider, said
from tests.e2e.servers import Server
from tests.e2e.waiting import until
from tests.e2e.wire_client import ask, asking

Fresh = Callable[..., Server]
BOTH = pytest.mark.parametrize("mode", ["auto", "legacy"])


@asynccontextmanager
async def client_of(server: Server, mode: str, key: Key | None = None) -> AsyncIterator[Client]:
    headers = {} if key is None else key.headers
    async with httpx2.AsyncClient(headers=headers, trust_env=False, timeout=30) as http:
        transport = streamable_http_client(f"{server.url}/mcp", http_client=http)
        async with Client(transport, mode=mode) as client:
            await client.list_tools()  # it would ask for schemas when an answer has come
            yield client


class Progress:
    """What is told of a call."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.counts: list[float] = []

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        self.counts.append(progress)
        self.texts.append(message or "")


def code_of(result: CallToolResult) -> str:
    """What went wrong."""
    assert result.is_error
    assert result.meta is not None
    return str(result.meta["talkwire/error"]["code"])


async def status_of(server: Server, turn_id: str) -> Any:
    return (await ask(server.port, "GET", f"/turns/{turn_id}"))[1]["status"]


@BOTH
async def test_a_client_asks_and_hears_the_text_while_it_comes(
    mode: str, provider: Provider, fresh_server: Fresh
) -> None:
    server = await fresh_server(config={"models": [provider.model()]}).start()
    told = Progress()

    async with client_of(server, mode) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        first = await client.call_tool(
            "chat", {"input": "words=9 pace_ms=20", "session_id": "s_1"}, progress_callback=told
        )
        again = await client.call_tool("chat", {"input": "words=2", "session_id": "s_1"})
        read = await client.call_tool("read_session", {"session_id": "s_1"})
        listed = await client.call_tool("list_sessions")

    assert sorted(names) == [
        "ask_support",
        "chat",
        "list_scenarios",
        "list_sessions",
        "read_session",
    ]
    assert first.structured_content["text"] == said(9) == "".join(told.texts)
    assert len(told.texts) > 1
    assert told.counts == sorted(set(told.counts))
    assert again.structured_content["turn_id"] != first.structured_content["turn_id"]
    texts = [message["text"] for message in read.structured_content["messages"]]
    assert texts == ["words=9 pace_ms=20", said(9), "words=2", said(2)]
    assert [each["session_id"] for each in listed.structured_content["sessions"]] == ["s_1"]
    _, record = await ask(server.port, "GET", f"/turns/{first.structured_content['turn_id']}")
    assert record["wire"] == "mcp"


@BOTH
async def test_a_call_that_is_called_off_stops_its_turn_upstream(
    mode: str, provider: Provider, fresh_server: Fresh
) -> None:
    server = await fresh_server(config={"models": [provider.model()]}).start()
    told = Progress()
    asked = {"input": "words=3 then=stall", "session_id": "s_1"}

    async with client_of(server, mode) as client:
        asking = asyncio.create_task(client.call_tool("chat", asked, progress_callback=told))
        await until(lambda: told.texts)
        asking.cancel()
        await asyncio.wait([asking])
        await asyncio.wait_for(provider.calls[0].closed.wait(), 5)
        read = await client.call_tool("read_session", {"session_id": "s_1"})

    last = read.structured_content["messages"][-1]
    assert last["incomplete"] is True
    assert await status_of(server, last["turn_id"]) == "aborted"


@BOTH
async def test_what_is_wrong_with_a_call_is_told(
    mode: str, provider: Provider, fresh_server: Fresh
) -> None:
    server = await fresh_server(config={"models": [provider.model()]}).start()

    async with client_of(server, mode) as client:
        with pytest.raises(MCPError, match="list_sessions"):
            await client.call_tool("chta", {})
        wrong = await client.call_tool("chat", {"inptu": "words=1"})
        unknown = await client.call_tool("chat", {"input": "words=1", "model": "nobody"})
        failed = await client.call_tool("chat", {"input": "words=1 then=cut"})

    assert [result.is_error for result in (wrong, unknown, failed)] == [True] * 3
    assert code_of(wrong) == "invalid_request"
    assert code_of(unknown) == "not_found"
    assert code_of(failed).startswith("upstream_")


@BOTH
async def test_keys_tell_who_asks_and_what_may_be_asked(
    mode: str, provider: Provider, fresh_server: Fresh
) -> None:
    server = await fresh_server(config={"models": [provider.model()], **KEYS_MODE}).start()
    ann = make_key(server, "--user", "ann")
    bob = make_key(server, "--user", "bob")
    reader = make_key(server, "--user", "ann", "--scopes", "sessions:read")

    async with client_of(server, mode, ann) as client:
        await client.call_tool("chat", {"input": "words=2", "session_id": "s_1"})
    async with client_of(server, mode, bob) as client:
        other = await client.call_tool("read_session", {"session_id": "s_1"})
        none = await client.call_tool("list_sessions")
    async with client_of(server, mode, reader) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        refused = await client.call_tool("chat", {"input": "words=2"})
        own = await client.call_tool("read_session", {"session_id": "s_1"})

    assert other.is_error
    assert code_of(other) == "not_found"
    assert none.structured_content["sessions"] == []
    assert names == ["list_sessions", "read_session"]
    assert code_of(refused) == "forbidden"
    assert len(own.structured_content["messages"]) == 2
    assert len(provider.calls) == 1


async def test_calls_are_counted_as_open_streams_are(
    provider: Provider, fresh_server: Fresh
) -> None:
    config = {"models": [provider.model()], "limits": {"streams": 1}}
    server = await fresh_server(config=config).start()
    told = Progress()

    async with client_of(server, "auto") as client:
        asked = {"input": "words=3 then=stall"}
        asking = asyncio.create_task(client.call_tool("chat", asked, progress_callback=told))
        await until(lambda: told.texts)
        refused = await client.call_tool("chat", {"input": "words=1"})
        asking.cancel()
        await asyncio.wait([asking])
        async with asyncio.timeout(10):
            again = refused
            while again.is_error:
                again = await client.call_tool("chat", {"input": "words=1"})

    assert code_of(refused) == "rate_limited"


async def test_without_a_key_and_for_another_host_nothing_is_told(fresh_server: Fresh) -> None:
    server = await fresh_server(env={"USE_MOCK": "1"}, config=KEYS_MODE).start()
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}

    bare, why = await ask(server.port, "POST", "/mcp", body=body)
    headers = {"Host": "evil.example"}
    foreign, reason = await ask(server.port, "POST", "/mcp", body=body, headers=headers)

    assert (bare, foreign) == (401, 421)
    assert why["error"]["data"]["code"] == "unauthorized"
    assert reason["error"]["data"]["code"] == "misdirected_request"


@BOTH
async def test_a_server_that_is_killed_in_a_call_leaves_no_client_hanging(
    mode: str, provider: Provider, fresh_server: Fresh
) -> None:
    server = await fresh_server(config={"models": [provider.model()]}).start()
    told = Progress()
    asked = {"input": "words=3 then=stall", "session_id": "s_1"}

    async with client_of(server, mode) as client:
        asking = asyncio.create_task(client.call_tool("chat", asked, progress_callback=told))
        await until(lambda: told.texts)
        server.kill9()
        done, _ = await asyncio.wait([asking], timeout=20)
        assert done
        with pytest.raises(MCPError):
            asking.result()
        await server.start()
        read = await client.call_tool("read_session", {"session_id": "s_1"})

    assert read.structured_content["messages"][0]["text"] == asked["input"]


@BOTH
async def test_a_server_that_is_to_end_lets_calls_finish_and_ends_in_order(
    mode: str, provider: Provider, fresh_server: Fresh
) -> None:
    server = await fresh_server(config={"models": [provider.model()]}).start()
    told = Progress()

    async with client_of(server, mode) as client:
        asking = asyncio.create_task(
            client.call_tool("chat", {"input": "words=30 pace_ms=30"}, progress_callback=told)
        )
        await until(lambda: told.texts)
        server.terminate()
        result = await asyncio.wait_for(asking, 20)

    assert result.structured_content["text"] == said(30)
    assert await server.exited() == 0
    assert "Traceback" not in server.output
    assert "Warning" not in server.output


@BOTH
async def test_what_cannot_finish_is_handed_over_and_the_client_is_told(
    mode: str, provider: Provider, fresh_server: Fresh
) -> None:
    config = {"models": [provider.model()], "turns": {"drain_timeout_s": 0.2}}
    server = await fresh_server(config=config).start()
    told = Progress()

    async with client_of(server, mode) as client:
        asking = asyncio.create_task(
            client.call_tool("chat", {"input": "words=3 then=stall"}, progress_callback=told)
        )
        await until(lambda: told.texts)
        server.terminate()
        result = await asyncio.wait_for(asking, 20)

    assert result.is_error
    assert code_of(result) == "draining"
    assert await server.exited() == 0
    assert "Traceback" not in server.output


async def test_a_client_of_the_older_protocol_that_is_cut_off_stops_nothing(
    provider: Provider, fresh_server: Fresh
) -> None:
    server = await fresh_server(config={"models": [provider.model()]}).start()
    arguments = {"input": "words=9 pace_ms=50", "session_id": "s_1"}
    params = {"name": "chat", "arguments": arguments, "_meta": {"progressToken": 1}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = {"Accept": "application/json, text/event-stream"}

    async with (
        httpx2.AsyncClient(headers=headers, trust_env=False) as http,
        http.stream("POST", f"{server.url}/mcp", json=body) as answer,
    ):
        await anext(answer.aiter_lines())

    async with client_of(server, "auto") as client, asyncio.timeout(20):
        texts: list[str] = []
        while texts[-1:] != [said(9)]:
            read = await client.call_tool("read_session", {"session_id": "s_1"})
            found = (read.structured_content or {}).get("messages", [])
            texts = [message["text"] for message in found]


async def test_one_talkwire_is_a_tool_of_another(provider: Provider, fresh_server: Fresh) -> None:
    inner = await fresh_server("inner", config={"models": [provider.model()]}).start()
    config = {
        "models": [provider.model()],
        "mcpServers": {"inner": {"url": f"{inner.url}/mcp"}},
        "egress": {"private": True},
    }
    outer = await fresh_server("outer", config=config).start()
    body = {"input": 'words=2 tool=chat args={"input":"hi"}'}
    headers = {"Accept": "text/event-stream"}

    async with asyncio.timeout(40):
        results = [""]
        while said(3) not in results[0]:  # the tools are there once the other one is connected
            async with asking(outer.port, "POST", "/turns", body=body, headers=headers) as answer:
                frames = [frame async for frame in answer.frames()]
            results = [f.data["result"] for f in frames if f.event == "tool.finished"]

    assert frames[-1].event == "turn.completed"
    heard = "".join(f.data["text"] for f in frames if f.event == "tool.output")
    assert "w0" in heard


async def test_the_help_desk_answers_as_a_tool(fresh_server: Fresh) -> None:
    server = await fresh_server(env={"USE_MOCK": "1"}).start()

    async with client_of(server, "auto") as client:
        asked = await client.call_tool("ask_support", {"query": "提现到哪了"})
        found = await client.call_tool("list_scenarios", {"category": "取款/提现"})
        case = (asked.structured_content or {})["session_id"]
        again = await client.call_tool("ask_support", {"query": "WD20260312", "session_id": case})

    first, listed, second = (each.structured_content or {} for each in (asked, found, again))
    assert first["subcategory"] == second["subcategory"] == "1 提现状态查询 Flow"
    assert len(listed["scenarios"]) == 4
    assert second["sop_references"] == ["withdrawal-status.md"]
