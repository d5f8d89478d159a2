from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Any

from tests.e2e.provider import Provider, said
from tests.e2e.servers import Server
from tests.e2e.wire_client import Frame, ask, asking
from tests.voice.clone_server import END, OK, CloneServer, chunk, clone_server


async def _spoken(server: Server, prompt: str) -> list[Frame]:
    path, headers = "/chat/stream", {"X-Voice-Id": "nora"}
    body = {"input": prompt, "sessionId": "talk"}
    async with (
        asyncio.timeout(15),
        asking(server.port, "POST", path, body=body, headers=headers) as answer,
    ):
        return [frame async for frame in answer.frames()]


def _settings(provider: Provider, clone: CloneServer) -> dict[str, Any]:
    env = {"VOICE_CLONE_BASE_URL": clone.url, "VOICE_CLONE_API_KEY": "sk-voice"}
    return {"config": {"models": [provider.model()], "voice": {"idle_timeout_s": 0.5}}, "env": env}


async def test_an_answer_is_spoken_piece_by_piece_after_its_text(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    audio = bytes(range(256)) * 40

    async def script(clone: CloneServer, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        for start in range(0, len(audio), 1_000):
            writer.write(chunk(audio[start : start + 1_000]))
            await writer.drain()
        writer.write(END)

    async with clone_server(script) as clone:
        server = await fresh_server(**_settings(provider, clone)).start()
        frames = await _spoken(server, "words=3")

    kinds = [f.event for f in frames]
    first = kinds.index("audio.chunk")
    assert kinds[first - 1] == "response.completed"
    chunks = [f.data for f in frames if f.event == "audio.chunk"]
    assert all(list(c) == ["b64"] for c in chunks)
    assert b"".join(base64.b64decode(c["b64"], validate=True) for c in chunks) == audio
    assert kinds[-1] == "audio.completed"
    assert (frames[-1].data["voiceId"], frames[-1].data["sessionId"]) == ("nora", "talk")
    line, headers, asked = clone.requests[0]
    assert (line, headers["authorization"]) == ("POST /api/tts/stream HTTP/1.1", "Bearer sk-voice")
    assert asked == {
        "text": said(3),
        "session_id": "talk",
        "voice_type": "nora",
        "save_path": None,
    }


async def test_a_voice_that_fails_leaves_the_text_completed(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    async def script(clone: CloneServer, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + chunk(b"abcdef"))
        await clone.go_on.wait()

    async with clone_server(script) as clone:
        server = await fresh_server(**_settings(provider, clone)).start()
        frames = await _spoken(server, "words=3")

    assert [f.event for f in frames][-3:] == ["response.completed", "audio.chunk", "audio.failed"]
    assert frames[-1].data["code"] == "speech_failed"
    assert "sk-voice" not in server.output
    turn_id = (frames[0].id or "").rpartition(":")[0]
    _, record = await ask(server.port, "GET", f"/turns/{turn_id}")
    assert record["status"] == "completed"
