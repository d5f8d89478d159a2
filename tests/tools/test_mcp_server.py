"""One server through its life: what is true of it is told, and it comes back when it is lost."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from msgspec.structs import replace

from talkwire.tools.mcp import McpServers
from talkwire.tools.mcp_config import Address, McpServerConfig, read_server
from tests.tools.calls import CONTEXT, Heard
from tests.tools.servers import (
    EVERYTHING,
    call,
    connected,
    eventually,
    on_http,
    on_pipes,
    opened,
)


def _free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def _ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def test_what_is_true_of_a_connected_server_is_told() -> None:
    async with connected(on_pipes()) as servers:
        (status,) = servers.status()

        assert status["name"] == "hostile"
        assert status["transport"] == "stdio"
        assert "echo" in status["tools"]
        assert status["protocol_version"] == "2025-11-25"
        assert status["server_info"] == {"name": "hostile", "version": "1"}
        assert status["last_error"] is None
        assert status["latency_ms"] >= 0


async def test_the_process_and_all_that_it_started_end_with_the_connection() -> None:
    async with connected(on_pipes()) as servers:
        server = int((await call(servers, "pid")).result)
        orphan = int((await call(servers, "orphan")).result)

    await eventually(lambda: _ended(server) and _ended(orphan))


async def test_what_a_crashed_server_started_ends_too() -> None:
    async with connected(on_pipes()) as servers:
        orphan = int((await call(servers, "orphan")).result)

        await call(servers, "crash")

        await eventually(lambda: _ended(orphan))


async def test_a_server_that_is_killed_is_started_again_without_a_call() -> None:
    async with connected(on_pipes()) as servers:
        first = int((await call(servers, "pid")).result)

        os.kill(first, 9)

        await eventually(lambda: servers.status()[0]["status"] != "connected")
        assert "echo" in servers.status()[0]["tools"]
        await eventually(lambda: servers.status()[0]["status"] == "connected")
        assert int((await call(servers, "pid")).result) != first
        assert servers.status()[0]["last_error"] == "It was ended by signal 9."


async def test_a_server_that_comes_up_late_is_connected_to() -> None:
    port = _free_port()
    async with opened(read_server("late", {"url": f"http://127.0.0.1:{port}/mcp"})) as servers:
        await eventually(lambda: servers.status()[0]["status"] == "failed")
        assert servers.status()[0]["last_error"] == "It cannot be connected to."

        with on_http(port=port):
            await eventually(lambda: servers.status()[0]["status"] == "connected")
            assert not (await call(servers, "echo")).is_error


async def test_a_server_that_ends_when_asked_for_the_newer_protocol_is_asked_for_the_old() -> None:
    async with connected(on_pipes("prudish")) as servers:
        assert servers.status()[0]["protocol_version"] == "2025-11-25"


async def test_a_changed_list_is_listed_again() -> None:
    async with connected(on_pipes("grow")) as servers:
        assert "grown" not in [tool.name for tool in servers.offered()]

        await call(servers, "grow")

        await eventually(lambda: "grown" in [tool.name for tool in servers.offered()])


async def test_a_list_without_an_end_is_cut() -> None:
    async with connected(on_pipes("endless")) as servers:
        assert [tool.name for tool in servers.offered()] == ["echo"]


async def test_an_aborted_call_is_cancelled_at_the_server(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    async with connected(on_pipes("", str(notes))) as servers:
        heard = Heard()
        running = asyncio.create_task(servers.call("slow", {}, CONTEXT, heard))
        async with asyncio.timeout(30):
            await heard.any.wait()

        running.cancel()

        with pytest.raises(asyncio.CancelledError):
            await running
        assert heard.text == "1/3 begun\n"
        await eventually(lambda: "notifications/cancelled" in notes.read_text("utf-8"))
        asked = [json.loads(line) for line in notes.read_text("utf-8").splitlines()]
        (slow,) = [a["id"] for a in asked if a.get("params", {}).get("name") == "slow"]
        (told,) = [a["params"] for a in asked if a.get("method") == "notifications/cancelled"]
        assert told["requestId"] == slow
        assert not (await call(servers, "echo")).is_error


async def test_a_call_that_is_cancelled_leaves_the_process_as_it_is() -> None:
    async with connected(on_pipes(timeout_s=1)) as servers:
        before = (await call(servers, "pid")).result

        await call(servers, "hang")

        assert (await call(servers, "pid")).result == before


async def test_only_a_few_harmless_variables_are_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    async with connected(on_pipes(env={"GIVEN": "yes"})) as servers:
        there: dict[str, Any] = json.loads((await call(servers, "env")).result)

    assert there["GIVEN"] == "yes"
    assert "PATH" in there
    assert "DATABASE_URL" not in there


async def test_what_only_the_server_was_told_is_in_no_error() -> None:
    async with connected(on_pipes(env={"KEY": "s3cret-value"})) as servers:
        assert (await call(servers, "leak")).result == "my key is ***"
    async with opened(on_pipes("dies", env={"KEY": "s3cret-value"})) as servers:
        await eventually(lambda: servers.status()[0]["status"] == "failed")

        assert servers.status()[0]["last_error"] == (
            "It exited with status 7. It said: no licence for key ***"
        )


async def test_a_long_result_is_cut_and_marked() -> None:
    async with connected(on_pipes()) as servers:
        answer = await call(servers, "big")

        assert len(answer.result) == 1_000_000
        assert answer.truncated
        assert (await call(servers, "nul")).result == "ab"


async def test_a_call_to_a_server_that_is_gone_is_answered_at_once() -> None:
    with on_http(timeout_s=5) as config:
        async with connected(config) as servers:
            os.kill(_listener(config), 9)

            first = await call(servers, "echo")
            await eventually(lambda: servers.status()[0]["status"] == "failed")
            answer = await call(servers, "echo")

            assert first.is_error
            assert answer.result == (
                "The tool server 'hostile' cannot be reached: It cannot be connected to."
            )
            assert servers.offered() == []


def _listener(config: McpServerConfig) -> int:
    """The process behind the URL."""
    assert isinstance(config.at, Address)
    port = urlsplit(config.at.url).port
    for child in psutil.Process().children():
        if any(c.laddr.port == port for c in child.net_connections() if c.status == "LISTEN"):
            return child.pid
    raise LookupError(config.at)


@contextmanager
def _reference(transport: str, folder: Path) -> Iterator[dict[str, Any]]:
    """The protocol's own reference server, as it is configured."""
    if not EVERYTHING.exists():
        pytest.skip("No MCP server-everything here (scripts/setup-tests installs it)")
    if transport == "stdio":
        yield {"command": "node", "args": [str(EVERYTHING)]}
        return
    port = _free_port()
    command = ["node", str(EVERYTHING), "streamableHttp"]
    env = {**os.environ, "PORT": str(port)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    try:
        yield {"url": f"http://127.0.0.1:{port}/mcp"}
    finally:
        process.kill()
        process.wait()


@pytest.fixture(params=["stdio", "http"])
async def everything(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[McpServers]:
    with _reference(request.param, tmp_path) as entry:
        async with _patient(read_server("everything", entry)) as servers:
            yield servers


def _patient(config: McpServerConfig) -> AbstractAsyncContextManager[McpServers]:
    return connected(replace(config, connect_timeout_s=45.0))


async def test_the_reference_server_lists_and_answers(everything: McpServers) -> None:
    assert {"echo", "get-sum", "trigger-long-running-operation"} <= {
        tool.name for tool in everything.offered()
    }
    assert (await call(everything, "echo", message="hi")).result == "Echo: hi"
    assert "42" in (await call(everything, "get-sum", a=40, b=2)).result
    assert (await call(everything, "get-sum", a="forty")).is_error
    assert '"type":"image"' in (await call(everything, "get-tiny-image")).result
    structured = await call(everything, "get-structured-content", location="New York")
    assert json.loads(structured.result)["conditions"]
    assert everything.status()[0]["resources"]
    assert any(prompt["name"] == "simple-prompt" for prompt in everything.status()[0]["prompts"])


async def test_the_reference_server_tells_of_progress_and_can_be_aborted(
    everything: McpServers,
) -> None:
    heard = Heard()
    answer = await call(everything, "trigger-long-running-operation", heard, duration=0.2, steps=2)
    assert heard.text.splitlines() == ["1/2", "2/2"]
    assert answer.result.startswith("Long running operation completed")

    waiting = Heard()
    running = asyncio.create_task(
        everything.call(
            "trigger-long-running-operation", {"duration": 600, "steps": 6000}, CONTEXT, waiting
        )
    )
    async with asyncio.timeout(30):
        await waiting.any.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert (await call(everything, "echo", message="still")).result == "Echo: still"


async def test_the_server_of_the_time_speaks_the_newer_protocol() -> None:
    config = read_server("time", {"command": sys.executable, "args": ["-m", "mcp_server_time"]})
    async with _patient(config) as servers:
        answer = await call(servers, "get_current_time", timezone="Asia/Shanghai")
        wrong = await call(servers, "get_current_time", timezone="Nowhere/Atall")

        assert json.loads(answer.result)["timezone"] == "Asia/Shanghai"
        assert wrong.is_error
        assert servers.status()[0]["protocol_version"] >= "2026"
        assert all(tool.idempotent for tool in servers.offered())


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    return tmp_path


async def test_the_server_of_git_shows_a_repository(repository: Path) -> None:
    entry = {"command": sys.executable, "args": ["-m", "mcp_server_git"]}
    async with _patient(read_server("git", entry)) as servers:
        answer = await call(servers, "git_status", repo_path=str(repository))
        wrong = await call(servers, "git_status", repo_path=str(repository / "none"))

        assert "Repository status" in answer.result
        assert wrong.is_error
        assert not (await call(servers, "git_status", repo_path=str(repository))).is_error
