from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import SecretStr

from talkwire.canon.errors import SpeechError
from talkwire.voice.ahead import Bounds
from talkwire.voice.clone import CloneVoice
from talkwire.voice.silence import FRAME, FRAME_MS
from tests.voice.clone_server import END, OK, CloneServer, Script, chunk, clone_server


@asynccontextmanager
async def _voice(url: str, **given: Any) -> AsyncIterator[CloneVoice]:
    voice = CloneVoice(url, **{"connect_timeout_s": 2.0, "idle_timeout_s": 0.3, **given})
    try:
        yield voice
    finally:
        await voice.close()


async def _spoken(voice: CloneVoice, voice_id: str = "v1") -> list[bytes]:
    speech = voice.speak("你好 hi", voice_id=voice_id, session_id="s1")
    return [sound.data async for sound in speech]


def _writing(*pieces: bytes) -> Script:
    async def script(server: CloneServer, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
        await writer.drain()

    return script


async def test_the_request_is_to_the_letter() -> None:
    async with (
        clone_server() as server,
        _voice(server.url + "/", api_key=SecretStr("k")) as voice,
    ):
        pieces = await _spoken(voice)

    assert b"".join(pieces) == b"123456789"
    line, headers, body = server.requests[0]
    assert line == "POST /api/tts/stream HTTP/1.1"
    assert headers["authorization"] == "Bearer k"
    assert headers["content-type"] == "application/json"
    assert body == {"text": "你好 hi", "session_id": "s1", "voice_type": "v1", "save_path": None}


async def test_without_key_and_voice_there_is_no_bearer_and_a_null() -> None:
    async with clone_server() as server, _voice(server.url, api_key=SecretStr("")) as voice:
        await _spoken(voice, voice_id="")

    _, headers, body = server.requests[0]
    assert "authorization" not in headers
    assert body["voice_type"] is None


async def test_a_piece_goes_on_before_the_next_is_spoken() -> None:
    async def script(server: CloneServer, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + chunk(b"abcd"))
        await server.go_on.wait()
        writer.write(chunk(b"e") + END)

    async with clone_server(script) as server, _voice(server.url, idle_timeout_s=5) as voice:
        speech = voice.speak("x", voice_id="v", session_id="s")
        first = (await anext(speech)).data
        server.go_on.set()
        rest = [sound.data async for sound in speech]

    assert (first, rest) == (b"abc", [b"de"])


async def test_closing_the_iterator_closes_the_connection() -> None:
    gone = asyncio.Event()

    async def script(server: CloneServer, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(OK if not gone.is_set() else b"")
                writer.write(chunk(b"abc"))
                await writer.drain()
                await asyncio.sleep(0.001)
        except ConnectionError:
            gone.set()

    async with clone_server(script) as server, _voice(server.url) as voice:
        speech = voice.speak("x", voice_id="v", session_id="s")
        await anext(speech)
        await speech.aclose()
        async with asyncio.timeout(2):
            await gone.wait()


def _status(status: int, extra: bytes = b"") -> bytes:
    return b"HTTP/1.1 %d Oops\r\n%bContent-Length: 6\r\n\r\nsecret" % (status, extra)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (_status(500), "status 500"),
        (_status(404), "status 404"),
        (_status(204).replace(b"6", b"0").removesuffix(b"secret"), "status 204"),
        (_status(302, b"Location: http://127.0.0.1:1/\r\n"), "status 302"),
        (_status(200, b"Content-Type: text/html\r\n"), "text where audio"),
        (_status(200, b"Content-Type: application/json; x=y\r\n"), "text where audio"),
        (OK + END, "no audio"),
        (OK + chunk(b"abc"), "broke the connection"),
        (OK + b"zz\r\n", "broke the connection"),
        (b"garbage\r\n\r\n", "broke the connection"),
        (b"", "broke the connection"),
        (OK + chunk(b"x" * 101) + END, "more than 100 bytes"),
    ],
)
async def test_each_failure_is_one_error_that_shows_nothing_of_the_answer(
    answer: bytes, told: str
) -> None:
    async with (
        clone_server(_writing(answer)) as server,
        _voice(server.url, api_key=SecretStr("sk-9"), max_bytes=100) as voice,
    ):
        with pytest.raises(SpeechError, match=told) as caught:
            await _spoken(voice)

    assert caught.value.retryable
    assert "secret" not in caught.value.message
    assert caught.value.__cause__ is None
    assert len(server.requests) == 1


@pytest.mark.parametrize("begun", [b"", OK, OK + chunk(b"abc")])
async def test_a_service_that_falls_silent_is_given_up(begun: bytes) -> None:
    async def script(server: CloneServer, writer: asyncio.StreamWriter) -> None:
        writer.write(begun)
        await server.go_on.wait()

    async with clone_server(script) as server, _voice(server.url) as voice:
        with pytest.raises(SpeechError, match="fell silent"):
            await _spoken(voice)


async def test_what_came_before_a_cut_has_been_handed_on() -> None:
    got: list[bytes] = []

    async def listen(voice: CloneVoice) -> None:
        async for sound in voice.speak("x", voice_id="v", session_id="s"):
            got.append(sound.data)

    async with clone_server(_writing(OK, chunk(b"abcdef"))) as server, _voice(server.url) as voice:
        with pytest.raises(SpeechError):
            await listen(voice)

    assert b"".join(got) == b"abcdef"


async def test_a_refused_connection_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with _voice(f"http://127.0.0.1:{taken.getsockname()[1]}") as voice:
            with pytest.raises(SpeechError, match="cannot be reached"):
                await _spoken(voice)
            with pytest.raises(SpeechError, match="cannot be reached"):
                await voice.check()


@pytest.mark.parametrize(
    ("url", "key"), [("http://[", "k"), ("ftp://x", "k"), ("http://127.0.0.1:1", "k\ns")]
)
async def test_a_bad_address_or_key_never_shows_the_key(url: str, key: str) -> None:
    async with _voice(url, api_key=SecretStr(key)) as voice:
        with pytest.raises(SpeechError) as caught:
            await _spoken(voice)

    assert "k\n" not in caught.value.message
    assert caught.value.__cause__ is None


async def test_the_check_asks_without_speaking() -> None:
    async with clone_server(_writing(_status(404))) as server, _voice(server.url) as voice:
        assert "404" in await voice.check()

    assert server.requests[0][0] == "GET / HTTP/1.1"


async def test_the_environment_names_no_proxy_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with clone_server() as server, _voice(server.url) as voice:
        assert b"".join(await _spoken(voice)) == b"123456789"


async def test_sentences_are_asked_for_one_by_one_and_joined_to_one_stream() -> None:
    def mp3(server: CloneServer) -> bytes:
        tag = b"ID3\x04\0\0" + bytes([0, 0, 0, 5]) + b"title"
        return tag + FRAME * (2 * len(server.requests)) + b"TAG" + bytes(125)

    async def script(server: CloneServer, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + chunk(mp3(server)) + END)

    async def sentences() -> AsyncGenerator[str, None]:
        yield "One."
        yield "Two."

    async with (
        clone_server(script) as server,
        _voice(server.url, bounds=Bounds(sentences=0)) as voice,
    ):
        speech = voice.speak(sentences(), voice_id="v", session_id="s")
        sounds = [sound async for sound in speech]

    assert [asked["text"] for _, _, asked in server.requests] == ["One.", "Two."]
    assert b"".join(sound.data for sound in sounds) == FRAME * 6
    assert sum(sound.ms for sound in sounds) == pytest.approx(6 * FRAME_MS)


async def test_how_long_the_speech_of_a_whole_text_lasts_is_counted_where_it_is_mp3() -> None:
    async with (
        clone_server(_writing(OK, chunk(FRAME * 10), END)) as server,
        _voice(server.url) as voice,
    ):
        speech = voice.speak("x", voice_id="v", session_id="s")
        sounds = [sound async for sound in speech]

    assert sum(sound.ms for sound in sounds) == pytest.approx(10 * FRAME_MS)
