"""An AgentOS that a test plays on a real socket. A real one: tests/e2e/test_agents_elsewhere.py."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from talkwire.canon.deltas import Delta, Finish, Text
from talkwire.canon.errors import ModelError, UpstreamIncomplete, UpstreamTimeout
from talkwire.canon.turn import ModelRequest, text_message
from talkwire.models import agentos
from talkwire.models.agentos import AgentOs
from tests.e2e.listening import Listening
from tests.models.hands import said
from tests.models.test_agentos_run import WHOLE

AGENTS: list[Any] = [
    {"id": "far", "name": "Far", "description": "Away.", "tools": {"tools": [{"name": "weather"}]}},
    {"name": "nameless"},
    {"id": "bad\nid"},
    {"id": 7},
]
TEAMS: list[Any] = [
    {
        "id": "pair",
        "tools": {"tools": [{"name": "delegate_task_to_member"}]},
        "members": [{"id": "far"}, "rubbish"],
    }
]


class Server(Listening):
    """`agents` and `teams` are what it lists, `status` how; `run` is the stream of each run."""

    def __init__(self) -> None:
        super().__init__()
        self.agents: Any = AGENTS
        self.status = 200
        self.run = WHOLE
        self.stalls = False
        self.asked: list[tuple[str, str]] = []
        self.closed = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = head.lower().partition("content-length: ")[2].partition("\r")[0]
            body = await reader.readexactly(int(length or 0))
            method, path, _ = head.split(" ", 2)
            self.asked.append((f"{method} {path}", head + body.decode()))
            if method == "POST":
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + self.run
                )
                await writer.drain()
                if self.stalls:
                    await reader.read()
                    self.closed.set()
            else:
                listed = json.dumps(self.agents if path == "/agents" else TEAMS).encode()
                writer.write(
                    b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (self.status, len(listed))
                    + listed
                )
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server() as running:
        yield running


@pytest.fixture
async def elsewhere(server: Server) -> AsyncIterator[AgentOs]:
    made = AgentOs(server.url, SecretStr("os-secret-key"), timeout_s=0.3)
    await made.look()
    yield made
    await made.close()


async def answer(elsewhere: AgentOs, told: list[Delta]) -> None:
    def hear(deltas: Any) -> None:
        told.extend(deltas)

    request = ModelRequest("", (text_message("", "user", "Hi"),))
    await elsewhere.agents()[0].answer(request, hear, None)


async def test_its_agents_and_teams_are_listed(server: Server, elsewhere: AgentOs) -> None:
    cards = [agent.card for agent in elsewhere.agents()]

    assert [card.id for card in cards] == ["far", "nameless", "pair"]
    assert (cards[0].kind, cards[0].tools, cards[0].description) == (
        "remote",
        ("weather",),
        "Away.",
    )
    assert (cards[2].members, cards[2].tools) == (("far",), ())
    assert "authorization: Bearer os-secret-key" in server.asked[0][1]
    assert await elsewhere.check() == f"{elsewhere.server} answers, 3 agents"


async def test_it_is_looked_at_once_however_many_want_to_know(
    server: Server, elsewhere: AgentOs
) -> None:
    before = len(server.asked)

    await asyncio.gather(*(elsewhere.look() for _ in range(5)))

    assert len(server.asked) == before


async def test_a_run_is_asked_for_as_a_form_and_heard(server: Server, elsewhere: AgentOs) -> None:
    told: list[Delta] = []

    await answer(elsewhere, told)

    assert said(told) == "Grüß Gott"
    assert told[-1] == Finish("stop")
    path, asked = server.asked[-1]
    assert path == "POST /agents/far/runs"
    assert "content-type: application/x-www-form-urlencoded" in asked
    assert "message=Hi" in asked


@pytest.mark.parametrize(("frames", "text"), [(1, ""), (2, "Grüß")])
async def test_a_run_that_is_cut_is_incomplete_and_not_asked_for_again(
    server: Server, elsewhere: AgentOs, frames: int, text: str
) -> None:
    server.run = b"\n\n".join(WHOLE.split(b"\n\n")[:frames]) + b"\n\n"
    told: list[Delta] = []
    runs = len(server.asked)

    with pytest.raises(UpstreamIncomplete):
        await answer(elsewhere, told)

    assert said(told) == text
    assert len(server.asked) == runs + 1


async def test_a_run_that_falls_silent_is_given_up(server: Server, elsewhere: AgentOs) -> None:
    server.run, server.stalls = b"\n\n".join(WHOLE.split(b"\n\n")[:2]) + b"\n\n", True

    with pytest.raises(UpstreamTimeout):
        await answer(elsewhere, [])

    async with asyncio.timeout(5):
        await server.closed.wait()


async def test_cancelling_closes_the_connection(server: Server) -> None:
    server.run, server.stalls = b"\n\n".join(WHOLE.split(b"\n\n")[:2]) + b"\n\n", True
    elsewhere = AgentOs(server.url, timeout_s=30)
    await elsewhere.look()
    told: list[Delta] = []
    running = asyncio.create_task(answer(elsewhere, told))
    async with asyncio.timeout(5):
        while not any(isinstance(each, Text) for each in told):  # noqa: ASYNC110  # no event
            await asyncio.sleep(0)

    running.cancel()

    async with asyncio.timeout(5):
        await server.closed.wait()
    await asyncio.wait([running])
    await elsewhere.close()


@pytest.mark.parametrize(
    ("status", "agents", "code"),
    [(401, [], "upstream_auth"), (500, [], "upstream_unavailable"), (200, {"a": 1}, "invalid")],
)
async def test_what_is_wrong_with_it_is_told_with_its_agents(
    server: Server, elsewhere: AgentOs, status: int, agents: Any, code: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr(agentos, "KNOWN_FOR_S", 0.0)
    server.status, server.agents = status, agents

    await elsewhere.look()

    assert elsewhere.why
    assert "os-secret-key" not in elsewhere.why
    assert elsewhere.agents()[0].card.why == elsewhere.why
    with pytest.raises(ModelError) as failed:
        await elsewhere.check()
    assert code in failed.value.code
    server.status, server.agents = 200, AGENTS
    await elsewhere.look()
    assert elsewhere.why == ""


async def test_nobody_there_is_told_and_the_watch_goes_on() -> None:
    elsewhere = AgentOs("http://127.0.0.1:9", timeout_s=1)

    watching = asyncio.create_task(elsewhere.watch())
    async with asyncio.timeout(5):
        while not elsewhere.why:  # noqa: ASYNC110  # it has no event
            await asyncio.sleep(0)

    assert not elsewhere.listed
    assert not watching.done()
    watching.cancel()
    await asyncio.wait([watching])
    await elsewhere.close()


def test_an_address_that_is_none_is_an_error() -> None:
    with pytest.raises(ValueError, match="base_url"):
        AgentOs("ftp://nowhere")
