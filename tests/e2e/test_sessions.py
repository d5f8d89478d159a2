"""Sessions are looked at and deleted, over real sockets; what was said is found nowhere."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.e2e.kept import database
from tests.e2e.provider import Provider, said
from tests.e2e.servers import Server
from tests.e2e.waiting import until
from tests.e2e.wire_client import Frame, ask, asking

CANARY = "tulip-5d1c"
STREAM = {"Accept": "text/event-stream"}
SLOW = f"{CANARY} words=5000 pace_ms=5"
Fresh = Callable[..., Server]


def where(data_dir: Path, text: str) -> set[str]:
    """The tables that have a row with the text in it."""
    with closing(sqlite3.connect(f"file:{database(data_dir)}?mode=ro", uri=True)) as link:
        names = [
            str(name)
            for (name,) in link.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return {
            name
            for name in names
            if text in repr(link.execute(f'SELECT * FROM "{name}"').fetchall())  # noqa: S608 - a table's own name
        }


async def whole(server: Server, content: str, session_id: str) -> list[Frame]:
    """A turn's stream from its start to its end."""
    body = {"input": content, "session_id": session_id}
    async with asking(server.port, "POST", "/turns", body=body, headers=STREAM) as answer:
        return [frame async for frame in answer.frames()]


async def status_of(server: Server, method: str, path: str, **headers: str) -> int:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    async with asking(server.port, method, path, headers=given) as answer:
        return answer.status


async def gone(server: Server, turn_id: str, session_id: str) -> list[int]:
    """What is answered to all who ask for it."""
    asked: list[tuple[str, str, dict[str, str]]] = [
        ("GET", f"/sessions/{session_id}", {}),
        ("DELETE", f"/sessions/{session_id}", {}),
        ("GET", f"/turns/{turn_id}", {}),
        ("GET", f"/turns/{turn_id}/events", STREAM),
        ("GET", f"/turns/{turn_id}/events", {"Last-Event-ID": f"{turn_id}:2"}),
        ("POST", "/turns", {"Last-Event-ID": f"{turn_id}:2"}),
        ("POST", f"/turns/{turn_id}/abort", {}),
        ("POST", f"/turns/{turn_id}/regenerate", {}),
    ]
    return [await status_of(server, method, path, **headers) for method, path, headers in asked]


async def test_a_session_is_deleted_while_it_answers(
    provider: Provider, fresh_server: Fresh
) -> None:
    server = await fresh_server(config={"models": [provider.model()]}).start()
    kept = await whole(server, "kept words=3", "other")
    ended = await whole(server, f"{CANARY} words=3", "s_1")
    body = {"input": SLOW, "session_id": "s_1"}
    once = STREAM | {"Idempotency-Key": "once"}
    async with asking(server.port, "POST", "/turns", body=body, headers=once) as answer:
        stream = answer.frames()
        frames = [await anext(stream) for _ in range(20)]
        turn_id = frames[0].data["turn_id"]
        await ask(server.port, "POST", "/turns", body={"input": CANARY, "session_id": "s_1"})
        _, shown = await ask(server.port, "GET", "/sessions/s_1")
        assert where(server.data_dir, CANARY) >= {"messages", "turns", "turn_events", "turn_logs"}

        deleted = await ask(server.port, "DELETE", "/sessions/s_1")
        frames += [frame async for frame in stream]

    assert (shown["turn_count"], shown["turns"]["running"], shown["turns"]["queued"]) == (3, 1, 1)
    assert [each["content"] for each in shown["messages"]] == [f"{CANARY} words=3", said(3)]
    assert deleted == (200, {"deleted": True, "thread_id": "s_1", "session_id": "s_1"})
    assert (frames[-1].event, frames[-1].data["by"]) == ("turn.aborted", "session")
    assert [frame.number for frame in frames] == list(range(len(frames)))
    call = provider.called(SLOW)[-1]
    await asyncio.wait_for(call.closed.wait(), 2)
    assert where(server.data_dir, CANARY) == set()
    for each in (turn_id, ended[0].data["turn_id"]):
        assert where(server.data_dir, each) == {"usage"}
        assert await gone(server, each, "s_1") == [404] * 8
    assert await status_of(server, "GET", f"/turns/{kept[0].data['turn_id']}") == 200

    again = await whole(server, "afresh words=3", "s_1")
    _, shown = await ask(server.port, "GET", "/sessions/s_1")

    assert again[-1].event == "turn.completed"
    assert [each["content"] for each in provider.called("afresh")[0].body["messages"]][-1] == (
        "afresh words=3"
    )
    assert CANARY not in repr(provider.called("afresh")[0].body)
    assert (shown["message_count"], shown["turn_count"]) == (2, 1)
    status, fresh = await ask(
        server.port, "POST", "/turns", body=body, headers={"Idempotency-Key": "once"}
    )
    assert (status, fresh["turn_id"] == turn_id) == (202, False)
    assert await status_of(server, "DELETE", "/sessions/s_1") == 200


async def test_another_node_stops_the_turn_and_shows_nothing_more(
    provider: Provider, fresh_server: Fresh, postgres_migrated: str
) -> None:
    """Without Redis: all word between them is lost."""
    config = {"models": [provider.model()], "database": {"url": postgres_migrated}}
    servers = [fresh_server(f"node{n}", config=config) for n in (1, 2)]
    here, there = await asyncio.gather(*(server.start() for server in servers))
    ended = (await whole(here, f"{CANARY} words=3", "s_1"))[0].data["turn_id"]
    _, started = await ask(here.port, "POST", "/turns", body={"input": SLOW, "session_id": "s_1"})
    turn_id = started["turn_id"]
    readers = [
        asyncio.create_task(_read(server, turn_id)) for server in (here, there) for _ in range(2)
    ]
    await until(lambda: provider.called(SLOW))

    status, _ = await ask(there.port, "DELETE", "/sessions/s_1")

    assert status == 200
    for frames in await asyncio.wait_for(asyncio.gather(*readers), 15):
        assert (frames[-1].event, frames[-1].data["by"]) == ("turn.aborted", "session")
        assert [frame.number for frame in frames] == list(range(len(frames)))
    for server in (here, there):
        for each in (turn_id, ended):
            assert await gone(server, each, "s_1") == [404] * 8


async def _read(server: Server, turn_id: str) -> list[Frame]:
    async with asking(server.port, "GET", f"/turns/{turn_id}/events") as answer:
        return [frame async for frame in answer.frames()]
