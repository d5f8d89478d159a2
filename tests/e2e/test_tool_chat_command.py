"""`talkwire chat --wire tool-chat` with a real server: a tool at work, and one that asks first."""

from __future__ import annotations

import asyncio
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.provider import Provider, said
from tests.e2e.servers import Server

CODE = "from talkwire.cli.main import app; app()"
MINE = """
from talkwire.tools import tool

@tool
async def count(to: int):
    "Counts."
    for n in range(to):
        yield f"number {n}\\n"

@tool(requires_approval=True)
def erase(what: str) -> str:
    "Erases."
    return f"{what} is gone"
"""


@pytest.fixture
async def server(provider: Provider, fresh_server: Callable[..., Server], tmp_path: Path) -> Server:
    module = tmp_path / "mine.py"
    module.write_text(MINE)
    config = {"models": [provider.model()], "tools": {"module": str(module)}}
    return await fresh_server(config=config).start()


async def chat(server: Server, text: str, typed: str | None = None) -> tuple[int, str, str]:
    """The command's status, stdout and stderr; `typed` is what the person at its terminal types."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", CODE, "chat", text, "--wire", "tool-chat"]
    running = await asyncio.create_subprocess_exec(
        *command,
        "--url",
        server.url,
        stdin=subprocess.DEVNULL if typed is None else theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=server.environment,
    )
    if typed is not None:
        os.write(ours, typed.encode())
    async with asyncio.timeout(40):
        out, notes = await running.communicate()
    os.close(ours)
    os.close(theirs)
    return running.returncode or 0, out.decode(), notes.decode()


async def test_a_tool_is_seen_at_work(server: Server) -> None:
    status, out, notes = await chat(server, 'words=3 tool=count args={"to":2}')

    assert status == 0
    assert out.strip() == said(3).strip()
    assert '→ count {"to": 2}' in notes
    assert "  number 0\n  number 1\n" in notes
    assert "← count number 0 number 1" in notes


@pytest.mark.parametrize(("typed", "result"), [("y\n", "it is gone"), ("n\n", "refused")])
async def test_a_person_is_asked_and_the_model_hears_what_they_said(
    server: Server, provider: Provider, typed: str, result: str
) -> None:
    status, out, notes = await chat(server, 'words=3 tool=erase args={"what":"it"}', typed)

    assert status == 0
    assert said(3).strip() in out
    assert result in notes
    assert notes.count("→ erase") == 1
    assert result in provider.calls[-1].body["messages"][-1]["content"]


async def test_where_nobody_is_asked_the_call_goes_on_waiting(server: Server) -> None:
    status, _, notes = await chat(server, 'words=3 tool=erase args={"what":"it"}')

    assert status == 1
    assert "/decision" in notes
