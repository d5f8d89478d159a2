"""The log of a real server: files, ids on every line of a turn, and no word of what was said."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.provider import Provider
from tests.e2e.servers import Server
from tests.e2e.waiting import until
from tests.e2e.wire_client import ask, asking

STREAM = {"Accept": "text/event-stream"}
ASKED = "canary-of-a-question"
Fresh = Callable[..., Server]


def _lines(folder: Path, name: str = "talkwire.log") -> list[dict[str, Any]]:
    """All lines of a file and of those before it, oldest first."""
    found = sorted(folder.glob(f"{name}*"), key=lambda path: path.name, reverse=True)
    return [json.loads(line) for path in found for line in path.read_text().splitlines()]


async def _asked(server: Server, text: str, request_id: str) -> str:
    """The id of a turn that was followed to its end on the wire of an EventSource."""
    headers = STREAM | {"X-Request-Id": request_id}
    path = f"/chat/stream?input={text.replace(' ', '%20').replace('=', '%3D')}"
    async with asking(server.port, "GET", path, headers=headers) as answer:
        await answer.body()
    return answer.headers["x-turn-id"]


async def test_every_line_of_a_turn_has_its_ids_and_none_has_its_words(
    fresh_server: Fresh, provider: Provider
) -> None:
    config = {
        "models": [provider.model()],
        "log": {"file": True, "format": "console", "level": "debug"},
    }
    server = await fresh_server(config=config).start()
    logs = server.data_dir / "logs"

    turn = await _asked(server, f"words=3 status=503 times=1 {ASKED}", "mine-1")
    await ask(server.port, "GET", "/nothing/here")
    server.terminate()
    await server.exited()

    lines = _lines(logs)
    of_turn = [line for line in lines if turn in str(line)]
    events = [line["event"] for line in of_turn]
    assert {"turn.accepted", "turn.first_token", "turn.ended", "http.request"} <= set(events)
    assert {(line["turn_id"], line["request_id"]) for line in of_turn} == {(turn, "mine-1")}
    assert len({line["session_id"] for line in of_turn}) == 1
    visit = of_turn[-1]
    assert (visit["event"], visit["ended"]) == ("http.request", "whole")
    assert (visit["route"], visit["status"], visit["principal"]) == ("/chat/stream", 200, "local")
    (unknown,) = [line for line in lines if line.get("route") == "unknown"]
    assert unknown["status"] == 404
    assert [line["level"] for line in _lines(logs, "error.log")].count("info") == 0
    written = "".join(path.read_text() for path in logs.iterdir()) + server.output
    assert ASKED not in written
    assert " w0" not in written


async def test_a_turn_that_was_adopted_is_still_known_by_its_request(
    fresh_server: Fresh, provider: Provider
) -> None:
    config = {
        "models": [provider.model()],
        "log": {"file": "mine"},
        "turns": {"on_lost": "continue"},
    }
    server = await fresh_server(config=config).start()
    body = {"input": "words=40 pace_ms=50"}
    headers = STREAM | {"X-Request-Id": "first-life"}
    async with asking(server.port, "POST", "/turns", body=body, headers=headers) as answer:
        turn = answer.headers["x-turn-id"]
        frames = answer.frames()
        while (await anext(frames)).event != "text.delta":
            pass
        server.kill9()
    await server.start()

    def ended() -> list[dict[str, Any]]:
        of_turn = [line for line in _lines(server.folder / "mine") if line.get("turn_id") == turn]
        return [line for line in of_turn if line["event"] == "turn.ended"]

    await until(ended, 20)

    lines = [line for line in _lines(server.folder / "mine") if line.get("turn_id") == turn]
    assert "turn.adopted" in [line["event"] for line in lines]
    assert {line["request_id"] for line in lines} == {"first-life"}


async def test_texts_are_told_where_that_is_wanted_and_files_are_begun_anew(
    fresh_server: Fresh,
) -> None:
    config = {"log": {"file": True, "content": True, "max_bytes": 4096, "backups": 50}}
    server = await fresh_server(config=config, env={"USE_MOCK": "1"}).start()

    await asyncio.gather(*(_asked(server, f"echo hello {n}", f"r-{n}") for n in range(20)))
    server.terminate()
    await server.exited()

    lines = _lines(server.data_dir / "logs")
    inputs = {line["input"] for line in lines if line["event"] == "turn.accepted"}
    answers = {line["answer"] for line in lines if line["event"] == "turn.ended"}
    assert inputs == {f"echo hello {n}" for n in range(20)}
    assert {f"hello {n}" for n in range(20)} == answers
    files = list((server.data_dir / "logs").glob("talkwire.log.*"))
    assert len(files) >= 2
    assert all(path.stat().st_size <= 4096 for path in files)


@pytest.mark.parametrize("access", [True, False])
async def test_the_access_log_can_be_switched_off(access: bool, fresh_server: Fresh) -> None:
    config = {"log": {"access": access}}
    server = await fresh_server(config=config, env={"USE_MOCK": "1"}).start()

    await ask(server.port, "GET", "/")
    server.terminate()
    await server.exited()

    assert server.output.count('"event":"http.request"') == int(access)


async def test_a_disk_that_stands_still_holds_up_no_stream(
    fresh_server: Fresh, provider: Provider
) -> None:
    server = fresh_server(config={"log": {"file": True}, "models": [provider.model()]})
    logs = server.data_dir / "logs"
    logs.mkdir(parents=True)
    os.mkfifo(logs / "talkwire.log")  # opening it waits for a reader, and none comes
    await server.start()

    async with asyncio.timeout(10):
        turns = await asyncio.gather(
            *(_asked(server, f"words=5 no={n}", f"r-{n}") for n in range(10))
        )
    server.terminate()

    assert len(set(turns)) == 10
    assert await server.exited() in (0, -15)
