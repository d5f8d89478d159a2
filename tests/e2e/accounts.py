"""A server with keys and three people; their sessions over sockets and in the file."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.e2e.kept import database
from tests.e2e.keyed import KEYS_MODE, Key, make_key, whole
from tests.e2e.matrix import provided
from tests.e2e.servers import Server
from tests.e2e.wire_client import asking

# Each statement of the server becomes a byte of a file, those that are compiled before included.
_COUNTED = """
import sqlite3
_connect, _count = sqlite3.dbapi2.connect, open({path!r}, "ab", buffering=0)

def _counting(*given, **more):
    made = _connect(*given, **more)
    made.set_trace_callback(lambda statement: _count.write(b"."))
    return made

sqlite3.dbapi2.connect = _counting
"""
STATUSES = ("queued", "running", "completed", "failed", "aborted")


@dataclass(frozen=True)
class Place:
    """The server, and who has keys of it."""

    server: Server
    counted: Path
    ann: Key
    bob: Key
    admin: Key

    async def ask(
        self, who: Key, method: str, path: str, body: Any = None, status: int = 200, **query: Any
    ) -> Any:
        asked = f"{path}?{urlencode(query)}" if query else path
        got = await whole(self.server, method, asked, body=body, headers=who.headers)
        assert got.status == status, got.body
        return json.loads(got.body)

    async def refused(self, who: Key, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """The status, and the field that is at fault."""
        got = await whole(self.server, method, path, body=body, headers=who.headers)
        told = json.loads(got.body)
        return got.status, told.get("param") or told.get("code", "")

    async def begin(self, who: Key, **given: Any) -> str:
        made = await self.ask(who, "POST", "/chat/session", given, 201)
        return str(made["session_id"])

    async def say(self, who: Key, session_id: str, text: str, **more: Any) -> str:
        """Say something and wait for the end; the turn's id."""
        body = {"input": text, "session_id": session_id, **more}
        headers = who.headers | {"Accept": "text/event-stream"}
        async with asking(self.server.port, "POST", "/turns", body=body, headers=headers) as got:
            frames = [frame async for frame in got.frames()]
        return str(frames[0].data["turn_id"])

    def rows(self, sql: str) -> list[dict[str, Any]]:
        with closing(
            sqlite3.connect(f"file:{database(self.server.data_dir)}?mode=ro", uri=True)
        ) as c:
            c.row_factory = sqlite3.Row
            return [dict(row) for row in c.execute(sql)]


@contextmanager
def place(folder: Path) -> Iterator[Place]:
    """A place of its own."""
    counted = folder / "counted"
    with provided() as provider:
        model = provider.model(max_attempts=1, price_in=1_000_000, price_out=2_000_000)
        config = {**KEYS_MODE, "models": [model]}
        server = Server(folder, config=config, prelude=_COUNTED.format(path=str(counted)))
        server.start_blocking()
        try:
            keys = [
                make_key(server, "--user", "ann"),
                make_key(server, "--user", "bob"),
                make_key(server, "--user", "root", "--admin"),
            ]
            yield Place(server, counted, *keys)
        finally:
            server.stop()


def recounted(place: Place, owner: str, label: str | None) -> dict[str, Any]:
    """The figures from the raw rows of the server's file, in plain Python."""
    rows = [
        row
        for row in place.rows("SELECT * FROM sessions")
        if row["owner"] == owner and label in (None, row["user_label"])
    ]
    names = {row["id"] for row in rows}

    def theirs(table: str) -> list[dict[str, Any]]:
        found = place.rows(f"SELECT * FROM {table}")  # noqa: S608 - a table's own name
        return [row for row in found if row["owner"] == owner and row["session_id"] in names]

    turns = theirs("turns")
    took = sorted(t["ended_at"] - t["created_at"] for t in turns if t["status"] == "completed")
    costs = [t["cost"] for t in turns if t["cost"] is not None]
    tokens = {k: sum(t[f"{k}_tokens"] or 0 for t in turns) for k in ("input", "output")}
    return {
        "sessions": len(rows),
        "messages": len(theirs("messages")),
        "turns": {status: sum(t["status"] == status for t in turns) for status in STATUSES},
        "input_tokens": tokens["input"],
        "output_tokens": tokens["output"],
        "total_tokens": sum(tokens.values()),
        "cost": pytest.approx(sum(costs)) if costs else None,
        "average_answer_s": pytest.approx(sum(took) / len(took) / 1000, abs=1e-5) if took else None,
        "p95_answer_s": took[math.ceil(len(took) * 0.95) - 1] / 1000 if took else None,
        "voice_s": sum(t["voice_ms"] or 0 for t in turns) / 1000,
    }


def insert_sessions(place: Place, owner: str, ids: list[str]) -> None:
    row = "(owner, id, created_at, updated_at, ttl_ms, expires_at) VALUES (?, ?, 1, 1, 1, 9e15)"
    with closing(sqlite3.connect(database(place.server.data_dir), timeout=20)) as link, link:
        link.executemany(f"INSERT INTO sessions {row}", [(owner, each) for each in ids])
