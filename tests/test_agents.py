"""The agents that settings ask for."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from talkwire.agents import Roster, roster
from talkwire.canon.agents import ASSISTANT
from talkwire.canon.errors import NotFound, Unavailable
from talkwire.engine.ports import Choice
from talkwire.models.configured import catalogue
from talkwire.settings import Settings
from talkwire.toolbox import toolbox

CLERK = {"id": "clerk", "tools": ["clock"], "model": "small"}
SMALL = {"name": "small", "provider": "scripted"}
CLOCK = {"builtin": {"clock": True}}
NOBODY = "http://127.0.0.1:9"


def made(**given: Any) -> Roster:
    settings = Settings.model_validate(given)
    return roster(settings, catalogue(settings, Choice), toolbox(settings))


async def test_the_assistant_is_first_and_found_as_nobody() -> None:
    found = made(agents=[CLERK], models=[SMALL], tools=CLOCK)

    assert [card.id for card in found.cards()] == [ASSISTANT, "clerk"]
    assert await found.find(ASSISTANT) is None
    clerk = await found.find("clerk")
    assert clerk is not None
    assert clerk.card.model == "small"


async def test_who_is_not_known_is_told_of_who_is() -> None:
    found = made(agents=[CLERK], models=[SMALL], tools=CLOCK)

    with pytest.raises(NotFound, match=r"Did you mean 'clerk'\? Known: assistant, clerk\.") as no:
        await found.find("clerc")
    assert no.value.param == "agent"


def test_with_a_mock_every_agent_asks_it() -> None:
    found = made(agents=[CLERK], models=[SMALL], tools=CLOCK, use_mock=True)

    assert found.cards()[1].model == "scripted"


def test_names_that_nobody_has_are_errors() -> None:
    with pytest.raises(ValueError, match=r"the tools of 'clerk' .*; did you mean clock\?"):
        made(agents=[{**CLERK, "tools": ["clocks"]}], models=[SMALL], tools=CLOCK)
    with pytest.raises(ValueError, match="name no such tool"):
        made(agents=[CLERK], models=[SMALL])
    made(agents=[{**CLERK, "tools": ["*"]}], models=[SMALL])
    servers = {"later": {"command": "nobody"}}
    made(agents=[{**CLERK, "tools": ["from_it"]}], models=[SMALL], mcpServers=servers)


async def test_a_server_of_agents_that_does_not_answer_stops_nobody_else() -> None:
    found = made(models=[SMALL], agno={"api_url": NOBODY})

    async with AsyncExitStack() as stack:
        await found.open(stack)
        assert list(found.degraded()) == ["agentos"]
        assert found.elsewhere is not None
        assert found.elsewhere.why == found.degraded()["agentos"]
        await found.check()
        with pytest.raises(Unavailable):
            await found.find("far")
    assert [card.id for card in found.cards()] == [ASSISTANT]


async def test_where_nothing_else_can_answer_it_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.model_validate({"agno": {"api_url": NOBODY}})
    models = catalogue(settings, Choice, find_ollama=lambda: None)
    found = roster(settings, models, None)

    with pytest.raises(Unavailable, match="Nothing else can answer"):
        await found.check()
    await made(models=[SMALL]).check()


async def test_a_server_of_agents_that_stalls_is_not_waited_for() -> None:
    hang = asyncio.Event()

    async def stall(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hang.wait()
        writer.close()

    stalling = await asyncio.start_server(stall, "127.0.0.1", 0)
    agno = {"api_url": f"http://127.0.0.1:{stalling.sockets[0].getsockname()[1]}"}
    settings = Settings.model_validate({"agno": agno})
    alone = roster(settings, catalogue(settings, Choice, find_ollama=lambda: None), None)

    async with asyncio.timeout(5):
        with pytest.raises(Unavailable, match="does not answer"):
            await alone.check()
        await made(models=[SMALL], agno=agno).check()

    hang.set()
    stalling.close()
    await stalling.wait_closed()


def test_a_server_without_agents_never_imports_their_library(tmp_path: Path) -> None:
    code = f"""
import sys
from talkwire.app import build
from talkwire.settings import Settings
build(Settings(data_dir={str(tmp_path)!r}, use_mock=True))
assert not {{"agno", "openai"}} & set(sys.modules), "imported"
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=50)
