"""Tools in a running server: a model asks for one, and goes on with what it said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.provider import Provider, said
from tests.e2e.servers import Server
from tests.e2e.strict import Strict
from tests.e2e.wire_client import Frame, ask, asking

CALCULATOR: dict[str, Any] = {"tools": {"builtin": {"calculator": True}}}
SLOW = """
import asyncio

from talkwire.tools import tool


@tool
async def slow(pieces: int):
    "Counts, and then waits for ever."
    for n in range(pieces):
        yield f"{n} "
    await asyncio.Event().wait()
"""


async def turn(server: Server, text: str) -> list[Frame]:
    headers = {"Accept": "text/event-stream"}
    async with asking(server.port, "POST", "/turns", body={"input": text}, headers=headers) as got:
        return [frame async for frame in got.frames()]


async def test_a_model_calls_a_tool_and_answers_with_its_result(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    server = await fresh_server(config={"models": [provider.model()], **CALCULATOR}).start()

    frames = await turn(server, 'words=3 tool=calculator args={"expression":"6*7"}')

    events = {frame.event: frame.data for frame in frames}
    assert events["tool.called"]["name"] == "calculator"
    assert "42" in events["tool.finished"]["result"]
    assert events["message.completed"]["message"]["parts"][0]["text"] == said(3)
    assert frames[-1].event == "turn.completed"
    first, second = provider.calls
    assert [tool["function"]["name"] for tool in first.body["tools"]] == ["calculator"]
    assert [m["role"] for m in second.body["messages"][-2:]] == ["assistant", "tool"]
    assert "42" in second.body["messages"][-1]["content"]


@pytest.mark.parametrize("asked", ["tool=nobody", "tool=calculator args={", "tool=calculator"])
async def test_what_goes_wrong_is_told_to_the_model_and_the_turn_goes_on(
    asked: str, provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    server = await fresh_server(config={"models": [provider.model()], **CALCULATOR}).start()

    frames = await turn(server, f"words=2 {asked}")

    (finished,) = [frame.data for frame in frames if frame.event == "tool.finished"]
    assert finished["is_error"] is True
    assert frames[-1].event == "turn.completed"


async def test_an_abort_stops_a_running_tool_and_the_session_goes_on(
    provider: Provider, fresh_server: Callable[..., Server], tmp_path: Path
) -> None:
    module = tmp_path / "mine.py"
    module.write_text(SLOW)
    config = {"models": [provider.model()], "tools": {"module": str(module)}}
    server = await fresh_server(config=config).start()
    body = {"input": 'words=3 tool=slow args={"pieces":2}', "session_id": "s_tools"}
    headers = {"Accept": "text/event-stream"}

    async with asking(server.port, "POST", "/turns", body=body, headers=headers) as got:
        stream = got.frames()
        frames = []
        async for frame in stream:
            frames.append(frame)
            if frame.event == "tool.output" and frame.data["text"] == "1 ":
                await ask(server.port, "POST", f"/turns/{frames[0].data['turn_id']}/abort")

    assert frames[-1].event == "turn.aborted"
    again = {"input": "words=2", "session_id": "s_tools"}
    async with asking(server.port, "POST", "/turns", body=again, headers=headers) as got:
        assert [frame.event async for frame in got.frames()][-1] == "turn.completed"
    told = json.dumps(provider.calls[-1].body["messages"])
    assert "words=2" in told


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_an_abort_between_the_results_of_a_round_leaves_no_orphans(
    api: str, fresh_server: Callable[..., Server], tmp_path: Path
) -> None:
    module = tmp_path / "mine.py"
    module.write_text(SLOW)
    async with Strict() as provider:
        tools = {"module": str(module), "builtin": {"clock": True}}
        config = {"models": [provider.model(api)], "tools": tools}
        server = await fresh_server(config=config).start()
        calls = [["clock", {}], ["slow", {"pieces": 1}], ["clock", {}]]
        orders = json.dumps({"rounds": [[["clock", {}]], calls], "said": "let me see "})
        body = {"input": f"orders={orders}", "session_id": "s_tools"}
        headers = {"Accept": "text/event-stream"}
        async with asking(server.port, "POST", "/turns", body=body, headers=headers) as got:
            frames = []
            async for frame in got.frames():
                frames.append(frame)
                if frame.event == "tool.finished" and len(provider.questions) == 2:
                    await ask(server.port, "POST", f"/turns/{frames[0].data['turn_id']}/abort")

        again = {"input": "orders={}", "session_id": "s_tools"}
        async with asking(server.port, "POST", "/turns", body=again, headers=headers) as got:
            after = [frame.event async for frame in got.frames()]

    assert (frames[-1].event, after[-1]) == ("turn.aborted", "turn.completed")
    assert provider.refusals == []
    assert sum(bool(message.calls) for message in provider.questions[-1].messages) == 1
