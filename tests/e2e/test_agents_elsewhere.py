"""Agents on a real AgentOS, which dies and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.e2e.agentos import AgentOs
from tests.e2e.provider import Provider, said
from tests.e2e.servers import Server
from tests.e2e.test_agents import SSE, turn, words
from tests.e2e.waiting import until
from tests.e2e.wire_client import Frame, ask, asking


@pytest.fixture
async def elsewhere(provider: Provider, tmp_path: Path) -> AsyncIterator[AgentOs]:
    """An AgentOS that is up."""
    running = AgentOs(tmp_path, provider.url)
    await running.start()
    yield running
    running.kill()


async def test_an_agent_elsewhere_answers_is_killed_and_readiness_knows(
    provider: Provider, elsewhere: AgentOs, fresh_server: Callable[..., Server]
) -> None:
    both = fresh_server("both", config={"models": [provider.model()]}, env=_at(elsewhere))
    alone = fresh_server("alone", config={}, env=_at(elsewhere))
    await asyncio.gather(both.start(), alone.start())

    _, listed = await ask(both.port, "GET", "/chat/agents")
    far = next(each for each in listed["agents"] if each["id"] == "far")
    assert far["kind"] == "remote"
    assert far["tools"] == ["weather"]
    assert far["description"] == "Answers from afar."

    await _answers_with_a_tool(provider, both)
    await _works_as_a_team(both)
    await _knows_what_was_said(provider, both)
    await _answers_on_its_own_wire(both)
    for server in (both, alone):
        assert (await ask(server.port, "GET", "/health/readiness"))[0] == 200
    await _is_killed(provider, both, elsewhere)

    await _is_told(alone, (503, "unavailable"))
    await _is_told(both, (200, "degraded"))
    _, listed = await ask(both.port, "GET", "/chat/agents")
    assert next(each for each in listed["agents"] if each["id"] == "far")["unavailable"]

    again = await turn(both, "words=3 still there?", "far")
    assert again[-1].event == "turn.failed"
    assert again[-1].data["code"] == "upstream_unavailable"
    assert (await turn(both, "words=3 you then", "assistant"))[-1].event == "turn.completed"

    await elsewhere.start()
    await _is_told(alone, (200, "ok"))
    assert words(await turn(alone, "words=3 back again", "far")) == said(3)


async def _is_told(server: Server, wanted: tuple[int, str]) -> None:
    """Wait until readiness says so."""
    told = None
    for _ in range(100):
        status, body = await ask(server.port, "GET", "/health/readiness")
        told = (status, body["status"])
        if told == wanted:
            return
        await asyncio.sleep(0.2)
    raise AssertionError(f"readiness says {told}")


def _at(elsewhere: AgentOs) -> dict[str, str]:
    return {"AGNO_API_URL": elsewhere.url}


async def _answers_with_a_tool(provider: Provider, server: Server) -> None:
    asked = 'words=3 tool=weather args={"city":"Bern"} and the weather'
    frames = await turn(server, asked, "far", session_id="s_far")

    events = {frame.event: frame.data for frame in frames}
    assert events["route.chosen"]["agent_id"] == "far"
    assert events["agent.started"]["agent_id"] == "far"
    assert events["tool.called"]["name"] == "weather"
    assert events["tool.finished"]["result"] == "sun in Bern"
    assert events["usage.counted"]["input_tokens"] == 7
    assert words(frames) == said(3)
    assert frames[-1].event == "turn.completed"
    assert len(provider.called("and the weather")) == 2


async def _works_as_a_team(server: Server) -> None:
    frames = await turn(server, "words=9 both of you", "pair")

    agents = [(f.event, f.data["agent_id"]) for f in frames if f.event.startswith("agent.")]
    assert agents == [
        ("agent.started", "pair"),
        ("agent.started", "far"),
        ("agent.completed", "far"),
        ("agent.completed", "pair"),
    ]
    assert words(frames) == said(2)
    assert words(frames, "reasoning.delta") == said(4)
    assert frames[-1].event == "turn.completed"


async def _answers_on_its_own_wire(server: Server) -> None:
    body = {"session_id": "s_far", "content": "words=3 on the wire", "agent_id": "far"}
    status, whole = await ask(server.port, "POST", "/chat/message", body=body)

    assert status == 200
    assert (whole["agent_id"], whole["content"]) == ("far", said(3))


async def _knows_what_was_said(provider: Provider, server: Server) -> None:
    """The conversation goes along, though it went on by another way meanwhile."""
    await turn(server, "words=2 by the way", "assistant", session_id="s_far")
    frames = await turn(server, "words=1 last question", "far", session_id="s_far")

    assert frames[-1].event == "turn.completed"
    call = provider.called("last question")[0]
    asked = str(call.body["messages"][-1]["content"])
    assert asked.endswith("words=1 last question")
    assert asked.index("and the weather") < asked.index("by the way")


async def _is_killed(provider: Provider, server: Server, elsewhere: AgentOs) -> None:
    body = {"input": "words=3000 pace_ms=5 dies", "agent": "far", "session_id": "s_dies"}
    async with asking(server.port, "POST", "/turns", body=body, headers=SSE) as got:
        frames: list[Frame] = []
        async for frame in got.frames():
            frames.append(frame)
            if frame.event == "text.delta" and words(frames).count("w") > 5:
                elsewhere.kill()
    ends = [frame for frame in frames if frame.event.startswith("turn.")][1:]
    assert [frame.event for frame in ends] == ["turn.failed"]
    assert ends[0].data["code"] == "upstream_incomplete"
    await until(lambda: provider.called("dies")[0].closed.is_set())
    await turn(server, "words=1 what was it?", "assistant", session_id="s_dies")
    (call,) = provider.called("what was it?")
    assert call.body["messages"][-2] == {"role": "assistant", "content": words(frames)}
