from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import SecretStr

from talkwire.canon.errors import SpeechError
from talkwire.canon.speech import Sound
from talkwire.voice.ahead import Bounds
from talkwire.voice.encoding import Format
from talkwire.voice.openai_speech import OpenAISpeech
from tests.engine.fakes import LIMIT_S
from tests.upstream.speech import Script, SpeechService, answers, cuts, speech_service, stalls
from tests.voice.decoding import seconds


@asynccontextmanager
async def _voice(service: SpeechService, **given: Any) -> AsyncIterator[OpenAISpeech]:
    settings = {"model": "m", "voice": "alloy", "idle_timeout_s": 0.5, **given}
    voice = OpenAISpeech(service.url, SecretStr("sk-9"), **settings)
    try:
        yield voice
    finally:
        await voice.close()


def _speak(voice: OpenAISpeech, *texts: str, voice_id: str = "nova") -> AsyncGenerator[Sound, None]:
    async def each() -> AsyncGenerator[str, None]:
        for text in texts:
            yield text

    return voice.speak(each(), voice_id=voice_id, session_id="s")


@pytest.mark.parametrize(("wanted", "asked"), [("mp3", "mp3"), ("wav", "wav"), ("opus", "wav")])
async def test_sentences_become_one_stream(wanted: Format, asked: str) -> None:
    async with speech_service() as service, _voice(service, format=wanted) as voice:
        sounds = [sound async for sound in _speak(voice, "One.", "Two.", "Three.")]

    audio = b"".join(sound.data for sound in sounds)
    assert seconds(audio) == pytest.approx(1.8, abs=0.15)
    assert sum(sound.ms for sound in sounds) == pytest.approx(1_800, abs=1)
    assert all(len(sound.data) % 3 == 0 for sound in sounds[:-1])
    fields = {"model": "m", "voice": "nova", "response_format": asked}
    assert sorted(service.asked, key=lambda each: each["input"]) == [
        {"input": text, **fields} for text in ("One.", "Three.", "Two.")
    ]
    assert set(service.keys) == {"Bearer sk-9"}


@pytest.mark.parametrize("voice_id", ["", "default"])
async def test_the_usual_voice_is_the_servers(voice_id: str) -> None:
    async with speech_service() as service, _voice(service) as voice:
        speech = voice.speak("Alone", voice_id=voice_id, session_id="s")
        _ = [sound async for sound in speech]

    assert (service.asked[0]["voice"], service.asked[0]["input"]) == ("alloy", "Alone")


async def test_a_text_that_the_service_would_not_take_is_refused() -> None:
    async with speech_service() as service, _voice(service) as voice:
        with pytest.raises(SpeechError, match="4096"):
            _ = [sound async for sound in _speak(voice, "x" * 4_097)]
    assert service.asked == []


async def test_no_more_is_asked_at_once_than_may_be_ahead() -> None:
    bounds = Bounds(sentences=1)
    async with speech_service() as service, _voice(service, bounds=bounds) as voice:
        _ = [sound async for sound in _speak(voice, *"abcdef")]

    assert len(service.asked) == 6
    assert service.most <= 2


@pytest.mark.parametrize("wanted", ["mp3", "wav"])
@pytest.mark.parametrize(
    ("script", "told"),
    [
        (answers(429), "429"),
        (answers(500), "500"),
        (answers(200, "text/html"), "text where audio"),
        (stalls, "fell silent"),
        (cuts, "broke the connection"),
    ],
)
async def test_each_failure_is_one_error_that_shows_nothing(
    script: Script, told: str, wanted: Format
) -> None:
    async with speech_service(script) as service, _voice(service, format=wanted) as voice:
        with pytest.raises(SpeechError, match=told) as caught:
            _ = [sound async for sound in _speak(voice, "One.", "Two.")]

    assert "secret" not in caught.value.message
    assert "sk-9" not in caught.value.message
    assert caught.value.__cause__ is None


async def test_closing_the_iterator_closes_the_connections() -> None:
    async with speech_service(stalls) as service, _voice(service, idle_timeout_s=9) as voice:
        speech = _speak(voice, "One.", "Two.")
        await anext(speech)
        await speech.aclose()
        async with asyncio.timeout(LIMIT_S):
            await service.cut.wait()


async def test_the_check_asks_nothing_that_costs() -> None:
    async with speech_service() as service, _voice(service) as voice:
        service.go_on.set()
        with pytest.raises(SpeechError):
            await voice.check()
    assert service.asked == []
