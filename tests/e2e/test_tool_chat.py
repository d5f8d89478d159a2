"""The wire of chats with tools, over real sockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from tests.e2e.kept import messages, text_of
from tests.e2e.provider import Provider, said
from tests.e2e.servers import Server
from tests.e2e.waiting import until
from tests.e2e.wire_client import Frame, ask, asking

CALCULATOR: dict[str, Any] = {"tools": {"builtin": {"calculator": True}}}
PATH = "/api/chat/stream"
DIRECT = "/api/chat/stream/direct"


def asked(content: str, session_id: str = "s_1", **settings: Any) -> dict[str, Any]:
    return {"session_id": session_id, "content": content, "model_config": settings or None}


async def stream(server: Server, body: Any, path: str = PATH, **headers: str) -> list[Frame]:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    async with asking(server.port, "POST", path, body=body, headers=given) as answer:
        assert answer.status == 200, await answer.body()
        return [frame async for frame in answer.frames()]


def kinds(frames: list[Frame]) -> list[str]:
    return [frame.data["type"] for frame in frames]


def text(frames: list[Frame]) -> str:
    return "".join(f.data["data"]["content"] for f in frames if f.data["type"] == "chunk")


async def test_a_model_calls_a_tool_and_the_client_sees_it_in_order(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    server = await fresh_server(config={"models": [provider.model()], **CALCULATOR}).start()

    order = 'words=3 tool=calculator args={"expression":"6*7"}'
    frames = await stream(server, asked(order, temperature=0.5, max_tokens=77))

    assert list(dict.fromkeys(kinds(frames))) == ["tool_call", "tool_result", "chunk", "complete"]
    call, result = (frame.data["data"] for frame in frames[:2])
    assert (call["tool_name"], call["arguments"]) == ("calculator", {"expression": "6*7"})
    assert result == {"tool_call_id": call["tool_call_id"], "result": "42"}
    message = frames[-1].data["data"]["message"]
    assert message["content"] == text(frames) == said(3)
    assert message["tool_calls"] == [call]
    turn_id = frames[0].fields["id"].partition(":")[0]
    stored = messages(server.data_dir, turn_id)
    assert [each["role"] for each in stored] == ["user", "assistant", "tool", "assistant"]
    assert stored[-1]["id"] == message["id"]
    assert all(set(frame.fields) == {"id", "data"} for frame in frames)
    assert [c.body["temperature"] for c in provider.calls] == [0.5, 0.5]
    assert {
        c.body.get("max_tokens") or c.body["max_completion_tokens"] for c in provider.calls
    } == {77}


async def test_a_message_is_stored_once_however_often_it_is_sent(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    server = await fresh_server(config={"models": [provider.model()]}).start()
    body = asked("once words=20 pace_ms=5", api_key="")

    answers = await asyncio.gather(*(stream(server, body, Idempotency_Key="k1") for _ in range(5)))
    other = await ask(
        server.port, "POST", PATH, body=asked("twice"), headers={"Idempotency-Key": "k1"}
    )

    assert all(answer == answers[0] for answer in answers)
    assert len(provider.called("once")) == 1
    turn_id = answers[0][0].fields["id"].partition(":")[0]
    ids = [each["id"] for each in messages(server.data_dir, turn_id)]
    assert ids == [f"msg_{turn_id}_in", f"msg_{turn_id}"]
    assert (other[0], other[1]["code"]) == (409, "idempotency_mismatch")


async def test_a_stream_goes_on_behind_any_frame(server: Server) -> None:
    whole = await stream(server, asked("count to 5", "resumed"))

    for frame in whole:
        path = PATH if frame.number % 2 else DIRECT
        cursor = {"Last-Event-ID": frame.fields["id"]}
        async with asking(server.port, "POST", path, headers=cursor) as answer:
            rest = [each async for each in answer.frames()]
        assert rest == whole[frame.number + 1 :]
        assert answer.status == (204 if frame is whole[-1] else 200)


async def test_silence_is_told_by_comments(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    config = {"models": [provider.model()], "streams": {"heartbeat_s": 1}}
    server = await fresh_server(config=config).start()

    async with asking(server.port, "POST", PATH, body=asked("words=1 then=stall")) as answer:
        seen = b""
        async with asyncio.timeout(10):
            async for piece in answer.pieces():
                seen += piece
                if b"heartbeat" in seen:
                    break

    assert b"\n\n: heartbeat\n\n" in seen
    assert b"event:" not in seen


async def test_an_abort_of_a_session_stops_what_runs_and_what_waits_in_it(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    server = await fresh_server(config={"models": [provider.model()]}).start()
    running = asyncio.create_task(stream(server, asked("first words=5000 pace_ms=5", "s_a")))
    await until(lambda: provider.called("first") and provider.called("first")[0].sent > 5)
    waiting = asyncio.create_task(stream(server, asked("second words=3", "s_a")))
    other = asyncio.create_task(stream(server, asked("third words=30 pace_ms=5", "s_b")))
    body = {"session_id": "s_a"}
    await until(lambda: provider.called("third"))

    began = time.monotonic()
    status, stopped = await ask(server.port, "POST", "/api/chat/abort", body=body)
    (call,) = provider.called("first")
    await asyncio.wait_for(call.closed.wait(), 2)
    again = await ask(server.port, "POST", "/api/chat/abort", body=body)

    ended = [await running, await waiting]
    ids = [frames[-1].data["data"]["message"]["id"].removeprefix("msg_") for frames in ended]
    assert (status, stopped) == (200, {"aborted": ids})
    assert again == (200, {"aborted": []})
    reasons = [frames[-1].data["data"]["message"]["finish_reason"] for frames in ended]
    assert reasons == ["aborted", "aborted"]
    assert ended[0][-1].data["data"]["message"]["content"] == text(ended[0])
    assert provider.called("second") == []
    assert call.closed_at is not None
    assert call.closed_at - began < 1
    assert kinds(await other)[-1] == "complete"


async def test_a_given_context_is_all_the_model_hears_and_nothing_of_it_is_kept(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    server = await fresh_server(config={"models": [provider.model()]}).start()
    await stream(server, asked("kept words=2", "s_d"))
    call = {"id": "c1", "type": "function", "function": {"name": "sum", "arguments": "{}"}}
    context: list[dict[str, Any]] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "given words=4"},
        {"role": "assistant", "content": "Let me see.", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "42"},
    ]
    frames = await stream(server, {"session_id": "s_d", "messages": context}, DIRECT)
    turn_id = frames[0].fields["id"].partition(":")[0]
    await stream(server, asked("after words=2", "s_d"))

    assert text(frames) == said(4)
    heard = provider.called("given")[0].body["messages"]
    assert [m["role"] for m in heard] == ["system", "user", "assistant", "tool"]
    assert heard[0]["content"] == "Be brief."
    assert (heard[2]["tool_calls"][0]["id"], heard[3]["tool_call_id"]) == ("c1", "c1")
    assert messages(server.data_dir, turn_id) == []
    assert "given" not in str(provider.called("after")[0].body)
    assert "kept" in str(provider.called("after")[0].body)


async def test_what_is_saved_goes_on_with_the_session(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    server = await fresh_server(config={"models": [provider.model()]}).start()
    await stream(server, asked("before words=2", "s_e"))
    context = [
        {"role": "system", "content": "Hidden."},
        {"role": "user", "content": "mine words=3"},
    ]
    body = {"session_id": "s_e", "messages": context, "save": True}
    frames = await stream(server, body, DIRECT)
    await stream(server, asked("after words=2", "s_e"))

    turn_id = frames[0].fields["id"].partition(":")[0]
    stored = messages(server.data_dir, turn_id)
    assert [(m["role"], text_of(m)) for m in stored] == [
        ("user", "mine words=3"),
        ("assistant", said(3)),
    ]
    assert "before" not in str(provider.called("mine")[0].body)
    heard = str(provider.called("after")[0].body)
    assert all(word in heard for word in ("before", "mine", "after"))
    assert "Hidden" not in heard


async def test_an_abort_and_a_resume_may_come_to_another_node(
    provider: Provider, fresh_server: Callable[..., Server], postgres_url: str
) -> None:
    env = {"DATABASE_URL": postgres_url}
    config = {"models": [provider.model()]}
    one, two = (fresh_server(name, env=env, config=config) for name in ("one", "two"))
    await one.start()
    await two.start()
    running = asyncio.create_task(stream(one, asked("here words=5000 pace_ms=5", "s_n")))
    await until(lambda: provider.called("here") and provider.called("here")[0].sent > 5)

    began = time.monotonic()
    status, stopped = await ask(
        two.port, "POST", "/api/chat/abort", body={"session_id": "s_n"}, within_s=20
    )
    frames = await running
    (call,) = provider.called("here")
    await asyncio.wait_for(call.closed.wait(), 2)

    turn_id = frames[0].fields["id"].partition(":")[0]
    assert (status, stopped) == (200, {"aborted": [turn_id]})
    assert frames[-1].data["data"]["message"]["finish_reason"] == "aborted"
    assert call.closed_at is not None
    assert call.closed_at - began < 2  # a second, and what a busy machine adds
    half = len(frames) // 2
    rest = await stream(two, None, **{"Last-Event-ID": frames[half].fields["id"]})
    assert rest == frames[half + 1 :]
