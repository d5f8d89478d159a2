"""The wire of apps with accounts and agents, over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import requests

from tests.e2e import matrix
from tests.e2e.provider import Provider, said
from tests.e2e.proxy import Proxy, random_cuts
from tests.e2e.servers import Server
from tests.e2e.waiting import until
from tests.e2e.wire_client import Frame, ask, asking

STREAM, WHOLE, AGENTS = "/chat/message/stream", "/chat/message", "/chat/agents"
CUTS = 8
ASKS = """
from talkwire.tools import tool


@tool(requires_approval=True)
def asks() -> str:
    "Asks first."
    return "done"
"""


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with matrix.provided() as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("agent_chat")
    (folder / "mine.py").write_text(ASKS)
    config = {
        "models": [provider.model(max_attempts=1)],
        "tools": {"builtin": {"calculator": True}, "module": str(folder / "mine.py")},
        "streams": {"heartbeat_s": 1},
    }
    running = Server(folder, config=config).start_blocking()
    yield running
    running.stop()


async def begun(server: Server, name: str) -> str:
    """A session that was begun on another wire."""
    body = {"session_id": name, "content": "words=1"}
    async with asking(server.port, "POST", "/api/chat/stream", body=body) as answer:
        assert answer.status == 200, await answer.body()
        await answer.body()
    return name


def saying(session_id: str, content: str, **more: Any) -> dict[str, Any]:
    return {"session_id": session_id, "content": content, **more}


async def stream(server: Server, body: Any, **headers: str) -> list[Frame]:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    async with asking(server.port, "POST", STREAM, body=body, headers=given) as answer:
        assert answer.status == 200, await answer.body()
        assert answer.headers["content-type"].startswith("text/event-stream")
        return [frame async for frame in answer.frames()]


def kinds(frames: list[Frame]) -> list[str]:
    """The events, equal ones that follow each other as one."""
    names = [frame.event for frame in frames]
    return [name for n, name in enumerate(names) if n == 0 or names[n - 1] != name]


def text(frames: list[Frame]) -> str:
    return "".join(f.data["content"] for f in frames if f.event == "message.delta")


def as_documented(url: str, body: dict[str, Any]) -> str:
    """The snippet of the documentation, with what it prints."""
    seen, event = "", ""
    with requests.post(url + STREAM, json=body, stream=True, timeout=30) as r:
        for line in r.iter_lines(decode_unicode=True):
            if line.startswith("event: "):
                event = line[7:]
            elif line.startswith("data: "):
                data = json.loads(line[6:])
                if event == "message.delta":
                    seen += data["content"]
    return seen


async def test_a_session_of_another_wire_goes_on_here_and_there_again(
    server: Server, provider: Provider
) -> None:
    session = await begun(server, "across")

    status, answer = await ask(server.port, "POST", WHOLE, body=saying(session, "mine words=2"))
    native = {"session_id": session, "input": "last words=1"}
    headers = {"Accept": "text/event-stream"}
    async with asking(server.port, "POST", "/turns", body=native, headers=headers) as turn:
        await turn.body()

    assert (status, answer["content"], answer["session_id"]) == (200, said(2), session)
    assert (answer["agent_id"], answer["model"], answer["finish_reason"]) == (
        "assistant",
        "words",
        "stop",
    )
    assert answer["usage"] == {"input_tokens": 7, "output_tokens": 2, "total_tokens": 9}
    (call,) = provider.called("last")
    heard = [each["content"] for each in call.body["messages"] if each["role"] != "system"]
    assert heard == ["words=1", said(1), "mine words=2", said(2), "last words=1"]


async def test_a_session_that_there_is_not_is_404(server: Server) -> None:
    for path in (STREAM, WHOLE):
        status, problem = await ask(server.port, "POST", path, body=saying("s_nobody", "Hi"))
        assert (status, problem["code"], problem["param"]) == (404, "not_found", "session_id")


async def test_a_client_of_requests_reads_a_slow_answer(server: Server) -> None:
    body = saying(await begun(server, "slow"), "words=2 pace_ms=1200")

    assert await asyncio.to_thread(as_documented, server.url, body) == said(2)


async def test_a_tool_is_shown_at_work(server: Server) -> None:
    order = 'words=3 tool=calculator args={"expression":"6*7"}'

    frames = await stream(server, saying(await begun(server, "tools"), order))

    assert kinds(frames) == [
        "message.started",
        "tool.started",
        "tool.completed",
        "message.delta",
        "message.completed",
    ]
    began, done, end = frames[1].data, frames[2].data, frames[-1].data
    assert (began["name"], began["arguments"]) == ("calculator", {"expression": "6*7"})
    assert done == {"call_id": began["call_id"], "name": "calculator", "result": "42"}
    assert end["tool_calls"] == [{**began, "result": "42"}]
    assert end["content"] == text(frames) == said(3)
    assert all(list(frame.fields) == ["id", "event", "data"] for frame in frames)


async def test_a_whole_answer_is_the_end_of_its_stream_and_every_frame_can_be_resumed_from(
    server: Server, provider: Provider
) -> None:
    session = await begun(server, "whole")
    _, answer = await ask(server.port, "POST", WHOLE, body=saying(session, "resumed words=4"))

    rest = await stream(server, None, Last_Event_ID=f"{answer['turn_id']}:0")

    assert rest[-1].data == answer
    for n, frame in enumerate(rest):
        headers = {"Last-Event-ID": frame.fields["id"]}
        async with asking(server.port, "POST", STREAM, headers=headers) as resumed:
            assert [each async for each in resumed.frames()] == rest[n + 1 :]
            assert resumed.status == (204 if frame is rest[-1] else 200)
    assert len(provider.called("resumed")) == 1


async def following(port: int, body: dict[str, Any]) -> AsyncIterator[Frame]:
    """As an app does it: ask, and whatever is cut, go on behind the last frame until the end."""
    headers = {"Idempotency-Key": "cut-often"}
    while True:
        try:
            async with asking(port, "POST", STREAM, body=body, headers=headers) as answer:
                assert answer.status == 200
                async for frame in answer.frames():
                    yield frame
                    headers = {"Last-Event-ID": frame.fields["id"]}
                    if frame.event in ("message.completed", "message.failed"):
                        return
        except OSError:
            await asyncio.sleep(0.01)


async def test_lost_connections_cost_one_model_call_and_no_frame(
    server: Server, provider: Provider
) -> None:
    body = saying(await begun(server, "cut"), "often words=120 pace_ms=4")

    async with asyncio.timeout(30), Proxy(server.port, random_cuts(5, CUTS, 1_500)) as proxy:
        frames = [frame async for frame in following(proxy.port, body)]

    assert proxy.harmed == CUTS
    assert len(provider.called("often")) == 1
    assert [frame.number for frame in frames] == list(range(len(frames)))
    assert text(frames) == frames[-1].data["content"] == said(120)


async def test_a_message_is_said_once_however_often_it_is_sent(
    server: Server, provider: Provider
) -> None:
    body = saying(await begun(server, "once"), "single words=20 pace_ms=5")

    answers = await asyncio.gather(*(stream(server, body, Idempotency_Key="k1") for _ in range(4)))
    other = await ask(
        server.port,
        "POST",
        STREAM,
        body={**body, "content": "other"},
        headers={"Idempotency-Key": "k1"},
    )

    assert all(answer == answers[0] for answer in answers)
    assert len(provider.called("single")) == 1
    assert (other[0], other[1]["code"]) == (409, "idempotency_mismatch")


async def test_what_is_stopped_is_told_as_far_as_it_went(
    server: Server, provider: Provider
) -> None:
    body = saying(await begun(server, "stopped"), "endless words=5000 pace_ms=5")
    async with asking(server.port, "POST", STREAM, body=body) as answer:
        turn_id = answer.headers["x-turn-id"]
        await until(lambda: provider.called("endless") and provider.called("endless")[0].sent > 5)
        await ask(server.port, "POST", f"/turns/{turn_id}/abort")
        frames = [frame async for frame in answer.frames()]

    end = frames[-1].data
    assert frames[-1].event == "message.failed"
    assert (end["code"], end["finish_reason"], end["incomplete"]) == ("aborted", "aborted", True)
    assert end["content"] == text(frames) != ""


async def test_whoever_waits_for_the_whole_is_given_what_there_is_when_it_is_stopped(
    server: Server, provider: Provider
) -> None:
    body = saying(await begun(server, "halted"), "boundless words=5000 pace_ms=5")
    whole = asyncio.create_task(ask(server.port, "POST", WHOLE, body=body))
    await until(lambda: provider.called("boundless") and provider.called("boundless")[0].sent > 5)
    await ask(server.port, "POST", "/api/chat/abort", body={"session_id": "halted"})

    status, answer = await whole
    assert (status, answer["finish_reason"], answer["incomplete"]) == (200, "aborted", True)
    assert answer["content"].startswith(said(5))


async def test_a_failure_is_one_frame_with_what_was_said_or_a_status(server: Server) -> None:
    session = await begun(server, "failing")

    frames = await stream(server, saying(session, "words=2 then=cut"))
    status, problem = await ask(
        server.port, "POST", WHOLE, body=saying(session, "words=2 then=cut again")
    )

    assert kinds(frames) == ["message.started", "message.delta", "message.failed"]
    end = frames[-1].data
    assert (end["code"], end["retryable"]) == ("upstream_incomplete", True)
    assert (end["content"], end["incomplete"]) == (said(2), True)
    assert (status, problem["code"]) == (502, "upstream_incomplete")


async def test_attachments_are_read_and_metadata_is_kept(
    server: Server, provider: Provider
) -> None:
    session = await begun(server, "attached")
    more = {
        "attachments": [{"type": "text", "name": "list.txt", "text": "eggs\nbread"}],
        "metadata": {"page": 7},
    }

    frames = await stream(server, saying(session, "shopping words=1", **more))

    (call,) = provider.called("shopping")
    assert call.body["messages"][-1]["content"] == (
        'shopping words=1\n\n<attachment name="list.txt">\neggs\nbread\n</attachment>'
    )
    turn_id = frames[0].data["turn_id"]
    async with asking(server.port, "GET", f"/turns/{turn_id}/events") as events:
        first = await anext(events.frames())
    assert json.loads(first.data["request"]["metadata"]) == {"page": 7}


async def test_a_call_that_waits_is_decided_on_and_goes_on_here(server: Server) -> None:
    session = await begun(server, "asking")

    frames = await stream(server, saying(session, "words=2 tool=asks"))
    end = frames[-1].data
    (waiting,) = end["approvals"]
    path = f"/api/tools/{waiting['call_id']}/decision"
    async with asking(server.port, "POST", path, body={"approve": True}) as decided:
        turn_id = decided.headers["x-turn-id"]
    rest = await stream(server, None, Last_Event_ID=f"{turn_id}:0")

    assert kinds(frames)[-2:] == ["tool.approval_required", "message.completed"]
    assert end["finish_reason"] == "approval_required"
    assert rest[-1].data["content"] == said(2)
    assert [each["result"] for each in rest[-1].data["tool_calls"]] == ["done"]


async def test_there_is_always_an_assistant(server: Server) -> None:
    status, told = await ask(server.port, "GET", AGENTS)
    _, problem = await ask(
        server.port,
        "POST",
        WHOLE,
        body=saying(await begun(server, "agents"), "words=1", agent_id="nobody"),
    )

    assert status == 200
    first = told["agents"][0]
    assert (first["id"], first["kind"], first["model"]) == ("assistant", "agent", "words")
    assert sorted(first["tools"]) == ["asks", "calculator"]
    assert (problem["status"], problem["param"]) == (404, "agent_id")
    assert "assistant" in problem["detail"]
