"""Long results of tools in a server: told as summaries, kept whole, cut where none can be had."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.e2e.kept import messages, text_of
from tests.e2e.keyed import KEYS_MODE, Key, make_key
from tests.e2e.provider import Provider, said
from tests.e2e.servers import Server
from tests.e2e.waiting import until
from tests.e2e.wire_client import Frame, ask, asking

LENGTH = 300_000
MODULE = f"""
from pathlib import Path

from talkwire.tools import tool


@tool
def rows(most: int = {LENGTH}) -> str:
    "Gives many rows."
    with Path("ran").open("a") as ran:
        ran.write("x")
    return "".join(f"row {{n}}: {{n * 7}}, 漢字\\n" for n in range(20_000))[:most]


@tool
def refuses() -> str:
    "Fails at length."
    raise ValueError("no " * 600)
"""
ROWS = "".join(f"row {n}: {n * 7}, 漢字\n" for n in range(20_000))[:LENGTH]


def serving(provider: Provider, tmp_path: Path, **more: Any) -> dict[str, Any]:
    """A configuration with those tools, and a model that is asked once."""
    module = tmp_path / "mine.py"
    module.write_text(MODULE)
    models = [provider.model(max_attempts=1)]
    return {"models": models, "tools": {"module": str(module), "summarize_over": 1_000}, **more}


async def turn(server: Server, content: str, key: Key | None = None) -> list[Frame]:
    """One turn over the wire for tools."""
    body = {"session_id": "s_long", "content": content}
    headers = key.headers if key else {}
    path = "/api/chat/stream"
    async with asking(server.port, "POST", path, body=body, headers=headers) as answer:
        assert answer.status == 200
        return [frame async for frame in answer.frames()]


def of(frames: list[Frame], kind: str) -> list[dict[str, Any]]:
    return [frame.data["data"] for frame in frames if frame.data["type"] == kind]


async def test_a_summary_is_streamed_and_kept_and_the_owner_reads_the_whole(
    provider: Provider, fresh_server: Callable[..., Server], tmp_path: Path
) -> None:
    server = await fresh_server(config=serving(provider, tmp_path, **KEYS_MODE)).start()
    ann, bob = make_key(server, "--user", "ann"), make_key(server, "--user", "bob")

    frames = await turn(server, "words=3 tool=rows sum_words=40 sum_pace_ms=1", ann)

    (result,) = of(frames, "tool_result")
    chunks = [chunk["content"] for chunk in of(frames, "tool_stream_chunk")]
    assert (result["result"], result["summarized"]) == (said(40), True)
    assert "".join(chunks) == said(40)
    assert len(chunks) > 5
    assert of(frames, "complete")[0]["message"]["content"] == said(3)

    first, *summing, last = provider.calls
    assert all(call.summing for call in summing)
    assert len(summing) > 3
    assert sum(len(call.body["messages"][-1]["content"]) for call in summing) > LENGTH
    assert not first.summing
    told = [m["content"] for m in last.body["messages"] if m["role"] == "tool"]
    assert told == [said(40)]
    assert ROWS[:100] not in str(last.body)

    path = f"/api/tools/results/{result['tool_call_id']}"
    status, whole = await ask(server.port, "GET", path, headers=ann.headers)
    assert (status, whole["tool_name"], whole["truncated"]) == (200, "rows", False)
    assert whole["result"] == ROWS
    status, part = await ask(server.port, "GET", path + "?offset=9&limit=50", headers=ann.headers)
    assert (part["result"], part["total"], part["next_offset"]) == (ROWS[9:59], LENGTH, 59)
    others = await ask(server.port, "GET", path, headers=bob.headers)
    unknown = await ask(server.port, "GET", path + "x", headers=ann.headers)
    assert (others[0], unknown[0]) == (404, 404)
    assert others[1]["code"] == unknown[1]["code"]

    stored = messages(server.data_dir, whole["turn_id"])
    assert [text_of(message) for message in stored if message["role"] == "tool"] == [said(40)]
    again = await turn(server, "words=2", ann)
    assert of(again, "complete")
    assert said(40) in str(provider.calls[-1].body)


async def test_where_no_model_can_sum_up_the_result_is_cut_and_the_turn_goes_on(
    provider: Provider, fresh_server: Callable[..., Server], tmp_path: Path
) -> None:
    server = await fresh_server(config=serving(provider, tmp_path)).start()

    for then in ("500", "cut", "stall"):
        if then == "stall":
            server.terminate()
            server = fresh_server(
                "slow",
                config=serving(provider, tmp_path),
                env={"TALKWIRE_TOOLS__SUMMARIZE_TIMEOUT_S": "0.3"},
            )
            await server.start()
        frames = await turn(server, f"words=3 tool=rows sum_words=2 sum_then={then}")

        (result,) = of(frames, "tool_result")
        assert result["truncated"] is True
        assert not result.get("summarized")
        assert ROWS.startswith(result["result"])
        assert 500 <= len(result["result"]) <= 1_000
        assert of(frames, "complete")[0]["message"]["content"] == said(3)
        path = f"/api/tools/results/{result['tool_call_id']}"
        assert (await ask(server.port, "GET", path))[1]["result"] == ROWS


async def test_an_error_is_cut_and_nobody_is_asked_about_it(
    provider: Provider, fresh_server: Callable[..., Server], tmp_path: Path
) -> None:
    server = await fresh_server(config=serving(provider, tmp_path)).start()

    frames = await turn(server, "words=3 tool=refuses")

    (result,) = of(frames, "tool_result")
    assert (result["is_error"], result["truncated"]) == (True, True)
    assert len(result["result"]) <= 1_000
    assert not any(call.summing for call in provider.calls)


async def test_an_abort_closes_every_question_about_the_parts(
    provider: Provider, fresh_server: Callable[..., Server], tmp_path: Path
) -> None:
    server = await fresh_server(config=serving(provider, tmp_path)).start()
    body = {"session_id": "s_long", "content": "words=3 tool=rows sum_words=1 sum_then=stall"}

    async with asking(server.port, "POST", "/api/chat/stream", body=body) as answer:
        stream = answer.frames()
        frames = [await anext(stream)]
        await until(lambda: sum(call.sent for call in provider.calls if call.summing) == 4)
        status, told = await ask(
            server.port, "POST", "/api/chat/abort", body={"session_id": "s_long"}
        )
        frames += [frame async for frame in stream]

    assert (status, len(told["aborted"])) == (200, 1)
    assert of(frames, "complete")[0]["message"]["finish_reason"] == "aborted"
    assert of(frames, "tool_stream_chunk") == []
    await until(lambda: all(call.closed.is_set() for call in provider.calls), 2)
    assert of(await turn(server, "words=2"), "complete")


async def test_a_server_killed_while_it_sums_up_goes_on_with_what_it_had_stored(
    provider: Provider, fresh_server: Callable[..., Server], tmp_path: Path
) -> None:
    server = await fresh_server(config=serving(provider, tmp_path)).start()
    body = {"input": "words=3 tool=rows sum_words=1 sum_then=stall"}
    _, started = await ask(server.port, "POST", "/turns", body=body)
    await until(lambda: any(call.summing for call in provider.calls))

    server.kill9()
    await server.restart()

    path = f"/turns/{started['turn_id']}/events"
    async with asking(server.port, "GET", path) as answer:
        frames = [frame async for frame in answer.frames()]
    (finished,) = [frame.data for frame in frames if frame.event == "tool.finished"]
    assert finished["truncated"] is True
    assert ROWS.startswith(finished["result"])
    assert frames[-1].event == "turn.completed"
    assert (server.folder / "ran").read_text() == "x"
