"""The whole server in this process, as its settings ask for it: what is on, and what ends."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from talkwire._settings.voice import VoiceSettings
from talkwire.app import build
from talkwire.canon.errors import StorageUnavailable
from talkwire.canon.speech import Sound
from talkwire.settings import ListenerSettings, Settings
from talkwire.web.access_log import AccessLog
from tests.desk import Desk

LIMIT_S = 15
TERM = signal.SIGTERM
SLOWLY = "slowly count to 500"


@pytest.fixture(autouse=True)
def desk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A help desk without an index, which would be built for each of these servers."""
    monkeypatch.setattr(
        "talkwire.parts.desk",
        lambda settings, vectors: Desk() if "support" in settings.wires else None,
    )


class Voice:
    """Says nothing; knows whether it was closed."""

    whole = True
    closed = 0

    async def speak(
        self, text: str | AsyncIterator[str], *, voice_id: str, session_id: str
    ) -> AsyncGenerator[Sound, None]:
        yield Sound(b"abc", "audio/mpeg")

    async def check(self) -> str:
        return "nothing"

    async def close(self) -> None:
        self.closed += 1


def settings(data_dir: Path, **given: Any) -> Settings:
    return Settings(data_dir=data_dir, use_mock=True, **given)


@asynccontextmanager
async def served(
    app: FastAPI, base_url: str = "http://localhost"
) -> AsyncIterator[httpx2.AsyncClient]:
    """The application between its start and its end."""
    transport = httpx2.ASGITransport(app=app)
    async with (
        asyncio.timeout(LIMIT_S),
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url=base_url) as client,
    ):
        yield client


async def asked(client: httpx2.AsyncClient, text: str, **more: str) -> str:
    """The id of a turn that was accepted."""
    answer = await client.post("/turns", json={"input": text, **more})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["turn_id"])


async def events_of(client: httpx2.AsyncClient, turn_id: str) -> list[str]:
    """The names of all its events, when it is over."""
    stream = (await client.get(f"/turns/{turn_id}/events")).text
    return re.findall(r"^event: (\S+)$", stream, re.MULTILINE)


async def test_audio_goes_earlier_than_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("talkwire.app._SWEEP_EVERY_S", 0.02)
    asks = settings(tmp_path, voice=VoiceSettings(retention_s=0.05))
    async with served(build(asks, speech=Voice())) as client:
        written = await asked(client, "echo Hello")
        spoken = await asked(client, "echo Hello", voice="v")
        await events_of(client, spoken)
        for _ in range(1_000):
            answer = await client.get(f"/turns/{spoken}/events")
            if not answer.is_success:
                break
            await asyncio.sleep(0.01)
        record = (await client.get(f"/turns/{spoken}")).json()
        session = (await client.get(f"/sessions/{record['session_id']}")).json()
        assert "turn.completed" in await events_of(client, written)

    assert (answer.status_code, answer.json()["code"]) == (410, "gone")
    assert record["status"] == "completed"
    assert "Hello" in str(session)


def test_building_touches_nothing(tmp_path: Path) -> None:
    build(settings(tmp_path / "data"))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("level", "there"), [("info", True), ("warning", False)])
def test_a_log_that_drops_the_lines_of_requests_pays_nothing_for_them(
    tmp_path: Path, level: str, there: bool
) -> None:
    app = build(settings(tmp_path / "data", log={"level": level}))

    assert (AccessLog.__name__ in str(app.user_middleware)) == there


@pytest.mark.parametrize("durability", ["journal", "memory"])
async def test_a_server_answers_and_keeps_what_it_said(tmp_path: Path, durability: str) -> None:
    asks = settings(tmp_path / "data", durability=durability)
    async with served(build(asks)) as client:
        told = (await client.get("/")).json()
        turn_id = await asked(client, "echo Hello")
        await events_of(client, turn_id)
    async with served(build(asks)) as client:
        kept = (await client.get(f"/turns/{turn_id}")).json()

    assert told["name"] == "talkwire"
    assert "USE_MOCK" in told["model"]
    assert kept["status"] == "completed"
    assert "talkwire.sqlite3" in [path.name for path in asks.data_dir.iterdir()]


@pytest.mark.parametrize(
    ("wire", "mine", "other"),
    [("native", "/turns", "/chat/stream"), ("responses-sse", "/chat/stream", "/turns")],
)
async def test_a_wire_that_is_switched_off_is_not_there(
    tmp_path: Path, wire: str, mine: str, other: str
) -> None:
    async with served(build(settings(tmp_path, wires=(wire,)))) as client:
        assert (await client.post(other, json={"input": "echo Hello"})).status_code == 404
        assert (await client.post(mine, json={"input": "echo Hello"})).is_success
        assert (await client.get("/")).json()["wires"] == [wire]


async def test_at_the_end_all_that_was_opened_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks, voice, closed = settings(tmp_path), Voice(), list[str]()
    before, tasks = signal.getsignal(TERM), asyncio.all_tasks()
    app = build(asks, speech=voice)
    parts = app.state.parts
    for name, whose in (("models", parts), ("database", parts.storage)):
        monkeypatch.setattr(getattr(whose, name), "close", _noting(whose, name, closed))
    async with served(app):
        assert signal.getsignal(TERM) != before

    assert voice.closed == 1
    assert closed == ["models", "database"]
    assert signal.getsignal(TERM) == before
    assert asyncio.all_tasks() == tasks
    with pytest.raises(StorageUnavailable):
        await parts.storage.database.write(lambda connection: None)


def _noting(parts: Any, name: str, closed: list[str]) -> Any:
    close = getattr(parts, name).close

    async def noting() -> None:
        closed.append(name)
        await close()

    return noting


async def test_what_runs_at_the_end_goes_on_at_the_next_start(tmp_path: Path) -> None:
    async with served(build(settings(tmp_path))) as client:
        turn_id = await asked(client, SLOWLY)
    async with served(build(settings(tmp_path))) as client:
        await client.post(f"/turns/{turn_id}/abort")
        events = await events_of(client, turn_id)

    assert "turn.adopted" in events
    assert events[-1] == "turn.aborted"


async def test_a_signal_drains_before_the_server_hears_of_it(tmp_path: Path) -> None:
    heard = asyncio.Event()
    before = signal.signal(TERM, lambda *_: heard.set())
    try:
        async with served(build(settings(tmp_path, turns={"drain_timeout_s": 0.05}))) as client:
            await asked(client, SLOWLY)
            signal.raise_signal(TERM)
            await heard.wait()
            ready = await client.get("/health/readiness")
            refused = await client.post("/turns", json={"input": SLOWLY})
    finally:
        signal.signal(TERM, before)

    assert (ready.status_code, refused.status_code) == (503, 503)


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({}, 421),
        ({"trusted_hosts": ("talk.example",)}, 200),
        ({"host": "0.0.0.0", "open": True}, 200),  # noqa: S104 - no socket is made
        ({"host": "0.0.0.0", "trusted_hosts": ("other.example",)}, 421),  # noqa: S104 - the same
        ({"host": "::1"}, 421),
        ({"host": "[::1]"}, 421),
        ({"host": "0.0.0.0", "listeners": (ListenerSettings(port=9000),)}, 421),  # noqa: S104 - the same
    ],
)
async def test_only_known_names_are_answered_where_names_are_known(
    tmp_path: Path, given: dict[str, Any], status: int
) -> None:
    async with served(build(settings(tmp_path, **given)), "http://talk.example") as client:
        assert (await client.get("/health")).status_code == status


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"limits": {"body_bytes": 10}}, 413),
        ({"limits": {"headers": 1}}, 431),
        ({"limits": {"json_depth": 1}}, 400),
        ({"limits": {"input_chars": 5}}, 422),
        ({}, 202),
    ],
)
async def test_limits_are_those_of_the_settings(
    tmp_path: Path, given: dict[str, Any], status: int
) -> None:
    async with served(build(settings(tmp_path, **given))) as client:
        body = {"input": [{"type": "text", "text": "echo Hello"}]}
        assert (await client.post("/turns", json=body)).status_code == status
