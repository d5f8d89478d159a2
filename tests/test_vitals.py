"""The health of whole servers: what is asked, what is known, and what is never told."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from talkwire.app import build
from talkwire.canon.errors import SpeechError
from talkwire.engine.ports import Choice, Models
from talkwire.models.configured import catalogue
from talkwire.settings import (
    HearingSettings,
    McpServerSettings,
    ModelSettings,
    RedisSettings,
    Settings,
    VoiceSettings,
)
from tests.desk import Desk
from tests.e2e.waiting import until
from tests.services.redis import Redis
from tests.test_app import served
from tests.web.issuer import KeySetServer

CANARY = "canary0f0f0f0f"


@pytest.fixture(autouse=True)
def desk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("talkwire.parts.desk", lambda settings, vectors: Desk())


class Mute:
    """A voice service that is gone, and says too much about it."""

    mime = "audio/mpeg"
    asked = 0

    async def speak(
        self, text: str, *, voice_id: str, session_id: str
    ) -> AsyncGenerator[bytes, None]:
        yield b"abc"

    async def check(self) -> str:
        self.asked += 1
        raise SpeechError(f"refused with Bearer {CANARY}")

    async def close(self) -> None:
        return None


async def _detailed(settings: Settings, **given: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    async with served(build(settings, **given)) as client:
        ready = await client.get("/health/readiness")
        response = await client.get("/health/detailed")
        again = await client.get("/health/detailed")
    assert (response.status_code, again.status_code) == (200, 200)
    assert CANARY not in response.text
    body: dict[str, Any] = response.json()
    return body, {"status": ready.status_code, **ready.json()}


async def test_a_small_server_tells_all_there_is_of_it(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, use_mock=True, voice=VoiceSettings(use_mock=True))
    body, ready = await _detailed(settings)

    components = body["components"]
    assert ready["status"] == "ok"
    assert list(components) == [
        "store",
        "nodes",
        "turns",
        "models",
        "agents",
        "scenarios",
        "voice",
        "hearing",
    ]
    assert {each["status"] for each in components.values()} == {"ok"}
    assert components["store"]["server"].startswith("SQLite 3")
    assert components["store"]["schema"] == components["store"]["schema_needed"]
    assert components["store"]["pool"] == {"writers": 1, "readers": 2}
    (node,) = components["nodes"]["nodes"]
    assert (node["id"], node["alive"]) == (components["nodes"]["node"], True)
    assert components["turns"]["running"] == components["turns"]["backlog_events"] == 0
    assert components["models"]["models"][0]["healthy"] is True
    assert components["agents"]["agents"] == {"assistant": "agent"}
    assert set(body["versions"]) == {"talkwire", "python"}
    assert body["limits"]["body_bytes"] == 1_048_576


async def test_secrets_are_never_told(tmp_path: Path) -> None:
    voice = Mute()
    settings = Settings(
        data_dir=tmp_path,
        openai_api_key=SecretStr(f"sk-{CANARY}"),
        voice=VoiceSettings(hearing=HearingSettings(base_url="http://127.0.0.1:1/v1")),
        redis=RedisSettings(url=SecretStr(f"redis://:{CANARY}@127.0.0.1:1/0")),
        mcpServers={
            "gone": McpServerSettings(
                url=SecretStr(f"http://127.0.0.1:1/mcp?key={CANARY}"),
                headers={"Authorization": SecretStr(f"Bearer {CANARY}")},
                connect_timeout_s=0.5,
            )
        },
    )

    body, ready = await _detailed(settings, speech=voice)

    components = body["components"]
    assert (ready["status"], body["status"]) == ("degraded", "degraded")
    assert components["redis"]["status"] == "down"
    assert components["tools"]["servers"][0]["name"] == "gone"
    assert (components["hearing"]["status"], components["hearing"]["provider"]) == (
        "down",
        "openai",
    )
    assert components["voice"]["why"] == "refused with ***"
    assert voice.asked == 1


async def test_redis_is_needed_where_the_settings_say_so(tmp_path: Path) -> None:
    redis = RedisSettings(url=SecretStr("redis://127.0.0.1:1/0"), required=True)

    body, ready = await _detailed(Settings(data_dir=tmp_path, use_mock=True, redis=redis))

    assert (ready["status"], ready["failing"]) == ("unavailable", {"redis": "cannot be reached"})
    assert body["failing"] == ready["failing"]


async def test_redis_tells_its_version_and_connections(tmp_path: Path, redis_server: Redis) -> None:
    redis = RedisSettings(url=SecretStr(redis_server.url), required=True)

    body, ready = await _detailed(Settings(data_dir=tmp_path, use_mock=True, redis=redis))

    assert ready["status"] == "ok"
    told = body["components"]["redis"]
    assert told["version"][0].isdigit()
    assert told["pool"]["most"] == 20
    assert told["pool"]["idle"] + told["pool"]["in_use"] >= 1


async def test_the_server_is_not_ready_when_no_model_can_be_reached(tmp_path: Path) -> None:
    async with KeySetServer() as alive:
        one = ModelSettings(name="one", provider="openai-chat", base_url="http://127.0.0.1:1/v1")
        other = ModelSettings(name="other", provider="openai-chat", base_url=alive.url)
        gone = Settings(data_dir=tmp_path / "a", models=(one,))
        both = Settings(data_dir=tmp_path / "b", models=(one, other))
        outcomes = []
        for settings in (gone, both):
            models = catalogue(settings, Choice)
            async with served(build(settings, models=models)) as client:
                # Probes look at once at what is on this machine.
                await until(lambda: not _is_well(models, "one"))  # noqa: B023 - awaited in here
                answer = await client.get("/health/readiness")
                shown = (await client.get("/health/detailed")).json()["components"]["models"]
                outcomes.append((answer.status_code, answer.json(), shown["status"]))

    (lost, told, down), (ready, _, degraded) = outcomes
    assert (lost, down) == (503, "down")
    assert told["failing"]["models"].startswith("one: it failed (upstream_unavailable)")
    assert (ready, degraded) == (200, "degraded")


def _is_well(models: Models, name: str) -> bool:
    return next(each for each in models.standings() if each.name == name).healthy


def test_the_openapi_document_has_an_example_of_each_level(tmp_path: Path) -> None:
    paths = build(Settings(data_dir=tmp_path, use_mock=True)).openapi()["paths"]

    for path in ("/", "/health", "/health/liveness", "/health/readiness", "/health/detailed"):
        content = paths[path]["get"]["responses"]["200"]["content"]["application/json"]
        assert json.dumps(content["example"])
        assert content["schema"]["properties"]
