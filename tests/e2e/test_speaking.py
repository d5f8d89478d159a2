"""Answers spoken while they are written, by voices on real sockets and by a real program."""

from __future__ import annotations

import asyncio
import base64
import shutil
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.e2e.provider import Provider
from tests.e2e.servers import Server
from tests.e2e.wire_client import Frame, ask, asking
from tests.upstream.speech import SpeechService, speaks, speech_service, stalls
from tests.voice.decoding import seconds

LIMIT_S = 45
VOICED = {"X-Voice-Id": "nora"}


def live(provider: Provider, service: SpeechService, **voice: Any) -> dict[str, Any]:
    """A server that speaks live through this service."""
    openai = {"base_url": service.url, "api_key": "sk-voice-1"}
    settings = {"mode": "live", "openai": openai, "idle_timeout_s": 15, **voice}
    return {"config": {"models": [provider.model(continuation="prefill")], "voice": settings}}


def heard(frames: Sequence[Frame]) -> bytes:
    """All audio of a stream of responses-sse, each piece decoded by itself."""
    pieces = [frame.data for frame in frames if frame.event == "audio.chunk"]
    assert all(list(piece) == ["b64"] for piece in pieces)
    return b"".join(base64.b64decode(piece["b64"], validate=True) for piece in pieces)


async def resumed(server: Server, path: str, cut: str) -> list[bytes]:
    """What comes after this frame."""
    async with asking(server.port, "GET", path, headers={"Last-Event-ID": cut}) as answer:
        return [frame.raw async for frame in answer.frames()]


async def test_the_first_sound_comes_before_the_last_word_and_all_can_be_resumed(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    async with speech_service() as service, asyncio.timeout(LIMIT_S):
        server = await fresh_server(**live(provider, service)).start()
        body = {"input": "words=3 lines=1 gate=2", "sessionId": "talk"}
        frames: list[Frame] = []
        async with asking(server.port, "POST", "/chat/stream", body=body, headers=VOICED) as answer:
            async for frame in answer.frames():
                frames.append(frame)
                if frame.event == "audio.chunk":
                    provider.go_on.set()  # the model writes its last word now, and not before

        kinds = [frame.event for frame in frames]
        last_word = max(n for n, kind in enumerate(kinds) if kind.endswith("text.delta"))
        assert kinds.index("audio.chunk") < last_word
        assert kinds[-1] == "audio.completed"
        assert kinds.count("response.completed") == 1
        assert seconds(heard(frames)) == pytest.approx(1.8, abs=0.15)
        assert sorted(asked["input"] for asked in service.asked) == ["w0", "w1", "w2"]
        assert {asked["voice"] for asked in service.asked} == {"nora"}
        assert "sk-voice-1" not in server.output

        raw = [frame.raw for frame in frames]
        turn_id = (frames[0].id or "").rpartition(":")[0]
        for cut in range(len(raw) - 1):
            assert await resumed(server, "/chat/stream", f"{turn_id}:{cut}") == raw[cut + 1 :]
        async with asking(server.port, "GET", f"/turns/{turn_id}/events") as answer:
            events = [frame async for frame in answer.frames()]
        for cut in range(len(events) - 1):
            rest = await resumed(server, f"/turns/{turn_id}/events", f"{turn_id}:{cut}")
            assert rest == [event.raw for event in events[cut + 1 :]]

    (told,) = [event.data for event in events if event.event == "audio.completed"]
    assert told["duration_ms"] == pytest.approx(1_800, abs=2)
    sound = [event.data for event in events if event.event == "audio.delta"]
    assert b"".join(base64.b64decode(each["data"]) for each in sound) == heard(frames)
    assert {each["mime"] for each in sound} == {"audio/mpeg"}


async def test_a_voice_that_stalls_holds_no_text_back_and_an_abort_closes_it(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    async with speech_service(stalls) as service, asyncio.timeout(LIMIT_S):
        server = await fresh_server(**live(provider, service)).start()
        body = {"input": "words=40 lines=1 gate=1", "voice": "nora"}
        _, turn = await ask(server.port, "POST", "/turns", body=body)
        kinds: list[str] = []
        async with asking(server.port, "GET", turn["events_url"]) as answer:
            async for frame in answer.frames():
                kinds.append(frame.event)
                if frame.event == "audio.delta":
                    provider.go_on.set()
                if frame.event == "message.completed":
                    await ask(server.port, "POST", f"/turns/{turn['turn_id']}/abort", body={})
        await service.cut.wait()

    assert kinds[-1] == "turn.aborted"
    assert "audio.completed" not in kinds
    assert service.most <= 3  # the one that is told, and two ahead


async def test_speech_of_a_server_that_was_killed_is_told_to_be_lost_and_the_text_is_whole(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    async def first_alone(
        service: SpeechService, asked: dict[str, Any], to: asyncio.StreamWriter
    ) -> None:
        await (speaks if asked["input"] == "w0" else stalls)(service, asked, to)

    async with speech_service(first_alone) as service, asyncio.timeout(LIMIT_S):
        server = await fresh_server(**live(provider, service)).start()
        body = {"input": "words=4 lines=1 gate=3", "voice": "nora"}
        _, turn = await ask(server.port, "POST", "/turns", body=body)
        async with asking(server.port, "GET", turn["events_url"]) as answer:
            async for frame in answer.frames():
                if frame.event == "audio.delta":
                    break
        server.kill9()
        provider.go_on.set()
        await server.restart()
        async with asking(server.port, "GET", turn["events_url"]) as answer:
            events = [frame async for frame in answer.frames()]

    ends = [event for event in events if event.event in ("audio.completed", "audio.failed")]
    assert [end.data["code"] for end in ends] == ["worker_lost"]
    assert events[-1].event == "turn.completed"
    text = "".join(event.data["text"] for event in events if event.event == "text.delta")
    assert [word.strip() for word in text.split()] == ["w0", "w1", "w2", "w3"]


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
async def test_without_a_service_the_program_speaks_english_and_mandarin(
    fresh_server: Callable[..., Server],
) -> None:
    settings = {"voice": {"provider": "espeak", "format": "opus"}}
    server = await fresh_server(config=settings, env={"USE_MOCK": "1"}).start()
    text = "echo Hello, my friend. 今天天气很好。 Good bye."
    async with asyncio.timeout(LIMIT_S):
        async with asking(
            server.port, "POST", "/chat/stream", body={"input": text}, headers=VOICED
        ) as answer:
            frames = [frame async for frame in answer.frames()]
        body = {"input": text, "voice": "en-gb+f3", "voice_mode": "live"}
        _, turn = await ask(server.port, "POST", "/turns", body=body)
        async with asking(server.port, "GET", turn["events_url"]) as answer:
            events = [frame async for frame in answer.frames()]

    assert frames[-1].event == "audio.completed"
    assert 3 < seconds(heard(frames)) < 12
    sound = [event.data["data"] for event in events if event.event == "audio.delta"]
    (told,) = [event.data for event in events if event.event == "audio.completed"]
    audio = b"".join(map(base64.b64decode, sound))
    assert seconds(audio) * 1000 == pytest.approx(told["duration_ms"], abs=50)
