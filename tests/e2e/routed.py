"""The wire of local and cloud models over real sockets: its servers and clients."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import aiohttp

from tests.e2e.provider import Provider
from tests.e2e.servers import Server
from tests.e2e.wire_client import Frame, asking

STREAM, WHOLE, MODELS = "/api/v1/chat/stream", "/api/v1/chat", "/api/v1/models"
BEATING: dict[str, Any] = {"streams": {"heartbeat_s": 1}}

Fresh = Callable[..., Server]


def local(provider: Provider, name: str = "small", **settings: Any) -> dict[str, Any]:
    return provider.model(name=name, type="local_small", max_attempts=1, **settings)


def large(provider: Provider, **settings: Any) -> dict[str, Any]:
    return provider.model(name="large", max_attempts=1, **settings)


def asked(message: str, **more: Any) -> dict[str, Any]:
    return {"message": message, **more}


async def read_as_documented(
    url: str, body: dict[str, Any], headers: dict[str, str]
) -> list[dict[str, Any]]:
    """The snippet that clients in the field have copied, keeping what it has read."""
    seen: list[dict[str, Any]] = []
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json=body, headers=headers) as resp,
    ):
        async for raw in resp.content:
            line = raw.decode("utf-8").strip()
            if line.startswith("data:"):
                data = line[5:].strip()
                if data == "[DONE]":
                    break
                seen.append(json.loads(data))
                assert isinstance(seen[-1]["content"], str)
    return seen


async def frames_of(server: Server, body: Any, path: str = STREAM, **headers: str) -> list[Frame]:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    async with asking(server.port, "POST", path, body=body, headers=given) as answer:
        assert answer.status == 200, await answer.body()
        return [frame async for frame in answer.frames()]


def text(frames: list[Frame]) -> str:
    """All that these frames say."""
    return "".join(frame.data["content"] for frame in frames if frame.fields["data"] != "[DONE]")


def kinds(frames: list[Frame]) -> set[str]:
    """Which kinds of models spoke, up to the end."""
    return {frame.data["model_used"] for frame in frames if frame.fields["data"] != "[DONE]"}
