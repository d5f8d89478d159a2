"""Agents in a running server, through Agno, with a real provider's protocol behind them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.provider import Provider, said
from tests.e2e.servers import Server
from tests.e2e.wire_client import Frame, ask, asking

pytestmark = pytest.mark.asyncio(loop_scope="module")
SSE = {"Accept": "text/event-stream"}
CLOCK = 'words=3 tool=clock args={"place":"UTC"}'
MODULE = """
from agno.agent import Agent

poet = Agent(name="Poet", instructions="Answer in verse.")
"""


def delegating(member: str, task: str) -> str:
    """What has the model of a team's leader hand the task on, and then say two words."""
    handed = json.dumps({"member_id": member, "task": task}, separators=(",", ":"))
    handed = handed.replace(" ", "\\u0020")  # orders are parted by spaces
    return f"words=2 tool=delegate_task_to_member args={handed}"


def config(provider: Provider, folder: Path) -> dict[str, Any]:
    (folder / "poets.py").write_text(MODULE)
    lead = {"name": "lead", "upstream_model": delegating("clerk", "words=1")}
    endless = {"name": "endless", "upstream_model": delegating("poet", "words=3000 pace_ms=5")}
    passing = {"name": "passing", "upstream_model": delegating("poet", "words=4")}
    return {
        "models": [
            provider.model(),
            provider.model(name="timed", upstream_model=CLOCK, price_in=1, price_out=2),
            *(provider.model(**model) for model in (lead, passing, endless)),
        ],
        "tools": {"builtin": {"clock": True}},
        "agents": [
            {"id": "clerk", "name": "Clerk", "instructions": "Be brief.", "model": "timed"}
            | {"tools": ["clock"]},
            {"id": "poet", "module": f"{folder / 'poets.py'}:poet"},
            {"id": "desk", "name": "Desk", "model": "lead", "members": ["clerk", "poet"]},
            {"id": "endless", "model": "endless", "members": ["clerk", "poet"]},
            {"id": "switch", "model": "passing", "members": ["clerk", "poet"], "mode": "route"},
        ],
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Any, ...]]:
    """A provider, and one server with agents that ask it."""
    folder = tmp_path_factory.mktemp("agents")
    async with Provider() as provider:
        server = Server(folder, config=config(provider, folder))
        await server.start()
        yield provider, server
        server.stop()


async def turn(server: Server, text: str, agent: str, **more: Any) -> list[Frame]:
    body = {"input": text, "agent": agent, **more}
    async with asking(server.port, "POST", "/turns", body=body, headers=SSE) as got:
        return [frame async for frame in got.frames()]


def kinds(frames: list[Frame]) -> list[str]:
    """The events without repeats of one kind in a row."""
    told = [frame.event for frame in frames]
    return [kind for k, kind in enumerate(told) if k == 0 or told[k - 1] != kind]


def words(frames: list[Frame], kind: str = "text.delta") -> str:
    return "".join(frame.data["text"] for frame in frames if frame.event == kind)


async def test_an_agent_answers_with_a_tool_of_this_server(world: Any) -> None:
    provider, server = world

    frames = await turn(server, "words=3 what time is it?", "clerk", session_id="s_clerk")

    assert kinds(frames) == [
        "turn.started",
        "route.chosen",
        "agent.started",
        "usage.counted",
        "tool.called",
        "tool.finished",
        "text.delta",
        "usage.counted",
        "agent.completed",
        "message.completed",
        "turn.completed",
    ]
    events = {frame.event: frame.data for frame in frames}
    assert events["route.chosen"]["agent_id"] == "clerk"
    assert events["route.chosen"]["model"] == "timed"
    assert (events["agent.started"]["agent_id"], events["agent.started"]["name"]) == (
        "clerk",
        "Clerk",
    )
    assert events["tool.called"]["name"] == "clock"
    assert "UTC" in events["tool.finished"]["result"]
    assert words(frames) == said(3)
    assert events["usage.counted"]["input_tokens"] == 7
    assert events["usage.counted"]["cost"] > 0
    first, second = provider.called("what time is it?")
    assert first.body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert [tool["function"]["name"] for tool in first.body["tools"]] == ["clock"]
    assert second.body["messages"][-1]["role"] == "tool"

    # The same session goes on with the model as it is, which sees the call and its result.
    later = await turn(server, "words=1 and later?", "assistant", session_id="s_clerk")
    assert later[-1].event == "turn.completed"
    (call,) = provider.called("and later?")
    roles = [message["role"] for message in call.body["messages"] if message["role"] != "system"]
    assert roles == ["user", "assistant", "tool", "assistant", "user"]
    given = {m["role"]: m for m in call.body["messages"]}
    asked_for = next(m for m in call.body["messages"] if m.get("tool_calls"))["tool_calls"]
    assert [each["id"] for each in asked_for] == [given["tool"]["tool_call_id"]]


async def test_a_team_of_two_writes_one_answer_and_shows_who_works_on_it(world: Any) -> None:
    provider, server = world

    frames = await turn(server, "words=2 ask the desk", "desk", session_id="s_desk")

    agents = [
        (frame.event, frame.data["agent_id"]) for frame in frames if frame.event[:5] == "agent"
    ]
    assert agents == [
        ("agent.started", "desk"),
        ("agent.started", "clerk"),
        ("agent.completed", "clerk"),
        ("agent.completed", "desk"),
    ]
    events = {frame.event: frame.data for frame in frames}
    assert [frame.event for frame in frames].count("tool.called") == 1  # the clerk's clock
    assert words(frames) == said(2) == events["message.completed"]["message"]["parts"][0]["text"]
    assert words(frames, "reasoning.delta") == said(3)  # what the clerk has told the desk
    assert frames[-1].event == "turn.completed"
    assert sum(frame.event == "usage.counted" for frame in frames) == 4
    assert len(provider.called("ask the desk")) >= 1


async def test_a_team_that_only_passes_on_answers_with_its_member_s_words(world: Any) -> None:
    _, server = world

    frames = await turn(server, "words=9 for the poet", "switch")

    events = {frame.event: frame.data for frame in frames}
    assert words(frames) == said(4) == events["message.completed"]["message"]["parts"][0]["text"]
    assert not words(frames, "reasoning.delta")
    assert frames[-1].event == "turn.completed"


async def test_an_agent_of_a_module_asks_the_default_model(world: Any) -> None:
    provider, server = world

    frames = await turn(server, "words=5 a poem", "poet")

    assert words(frames) == said(5)
    (call,) = provider.called("a poem")
    assert call.body["messages"][0]["content"] == "Answer in verse."


async def test_an_abort_closes_what_a_member_asks_within_100_ms(world: Any) -> None:
    provider, server = world

    body = {"input": "words=1 stop me", "agent": "endless", "session_id": "s_stop"}
    async with asking(server.port, "POST", "/turns", body=body, headers=SSE) as got:
        turn_id = got.headers["x-turn-id"]
        frames = got.frames()
        async for frame in frames:
            if frame.event == "reasoning.delta":
                break
        (call,) = provider.called("words=3000 pace_ms=5")
        asked_at = time.monotonic()
        status, _ = await ask(server.port, "POST", f"/turns/{turn_id}/abort")
        rest = [frame async for frame in frames]

    assert status == 200
    async with asyncio.timeout(5):
        await call.closed.wait()
    assert call.closed_at is not None
    assert call.closed_at - asked_at < 1.0  # 0.1 s where the machine has nothing else to do
    assert rest[-1].event == "turn.aborted"
    assert sum(frame.event == "usage.counted" for frame in rest) == 1


async def test_a_model_that_fails_fails_the_turn_with_its_own_code(world: Any) -> None:
    _, server = world

    frames = await turn(server, "words=3 then=cut cut short", "poet")

    assert frames[-1].event == "turn.failed"
    assert frames[-1].data["code"] == "upstream_incomplete"
    assert words(frames) == said(3)


async def test_who_is_unknown_or_over_determined_is_refused(world: Any) -> None:
    _, server = world

    status, body = await ask(server.port, "POST", "/turns", body={"input": "x", "agent": "clerks"})
    assert status == 404
    assert "clerk" in json.dumps(body)
    both = {"input": "x", "agent": "clerk", "model": "words"}
    status, body = await ask(server.port, "POST", "/turns", body=both)
    assert status == 422
    assert "model" in json.dumps(body)


async def test_without_the_library_the_start_says_how_to_get_it(tmp_path: Path) -> None:
    prelude = """
import importlib.util as there
find = there.find_spec
there.find_spec = lambda name, *more: None if name == "agno" else find(name, *more)
"""
    server = Server(tmp_path, config={"agents": [{"id": "clerk"}]}, prelude=prelude)
    server.spawn()

    assert await server.exited() == 2
    assert "talkwire[agents]" in server.output
    assert "Traceback" not in server.output


async def test_agents_are_listed_and_answer_on_their_own_wire(world: Any) -> None:
    _, server = world

    status, listed = await ask(server.port, "GET", "/chat/agents")
    assert status == 200
    known = {each["id"]: each for each in listed["agents"]}
    assert list(known) == ["assistant", "clerk", "poet", "desk", "endless", "switch"]
    assert known["clerk"]["tools"] == ["clock"]
    assert known["clerk"]["model"] == "timed"
    assert known["desk"]["kind"] == "team"
    assert known["desk"]["members"] == ["clerk", "poet"]

    await turn(server, "words=1 hello", "assistant", session_id="s_wire")
    message = {"session_id": "s_wire", "content": "words=2 ask them", "agent_id": "desk"}
    path = "/chat/message/stream"
    async with asking(server.port, "POST", path, body=message, headers=SSE) as got:
        frames = [frame async for frame in got.frames()]
    assert kinds(frames) == [
        "message.started",
        "agent.started",
        "tool.started",
        "tool.completed",
        "reasoning.delta",
        "agent.completed",
        "message.delta",
        "agent.completed",
        "message.completed",
    ]
    answer = frames[-1].data
    assert (answer["agent_id"], answer["content"]) == ("desk", said(2))
    assert [call["name"] for call in answer["tool_calls"]] == ["clock"]


async def test_a_turn_whose_server_was_killed_is_closed_and_not_begun_again(
    world: Any, tmp_path: Path
) -> None:
    provider, _ = world
    settings = config(provider, tmp_path)
    server = Server(tmp_path / "server", config=settings)
    try:
        await server.start()
        body = {"input": "words=3000 pace_ms=5 kill me", "agent": "poet", "session_id": "s_kill"}
        async with asking(server.port, "POST", "/turns", body=body, headers=SSE) as got:
            turn_id = got.headers["x-turn-id"]
            seen: list[Frame] = []
            async for frame in got.frames():
                seen.append(frame)
                if len([each for each in seen if each.event == "text.delta"]) > 3:
                    break
            server.kill9()
        await server.restart()
        path = f"/turns/{turn_id}/events"
        async with asking(server.port, "GET", path, headers=SSE) as got:
            all_of_it = [frame async for frame in got.frames()]

        assert [frame.data for frame in all_of_it[: len(seen)]] == [frame.data for frame in seen]
        assert all_of_it[-1].event == "turn.failed"
        assert all_of_it[-1].data["code"] == "worker_lost"
        assert len(provider.called("kill me")) == 1
    finally:
        server.stop()
