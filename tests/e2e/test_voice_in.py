"""Spoken messages over real sockets: speech in, an answer and speech out."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import wave
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from talkwire.voice.children import Children
from talkwire.voice.decoding import Decoder
from tests.e2e import matrix
from tests.e2e.provider import Provider, said
from tests.e2e.servers import Server
from tests.e2e.waiting import until
from tests.e2e.wire_client import Frame, ask, asking
from tests.upstream.hearing import HearingServer, Reply, listens, recognised, text
from tests.voice import sounds
from tests.voice.hostile import ANY, flipped, hostile
from tests.web.forms import MALFORMED, TYPE, form, part

VOICE = "/chat/voice"
KEY = "sk-canary-hearing"
CODES = {"audio_undecodable", "no_speech", "audio_too_long", "payload_too_large"}


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with matrix.provided() as running:
        yield running


@pytest.fixture(scope="module")
def service() -> Iterator[HearingServer]:
    with listens() as running:
        yield running


@pytest.fixture
def hears(service: HearingServer) -> Iterator[HearingServer]:
    """The service, with nothing asked of it yet, that understands `hello there`."""
    service.asked.clear()
    service.respond = lambda asked: text("hello there")
    yield service
    service.respond = recognised


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, provider: Provider, service: HearingServer
) -> Iterator[Server]:
    """It has a service to listen with."""
    hearing = {"base_url": service.base_url, "api_key": KEY, "max_attempts": 1, "max_s": 120}
    config = {"models": [provider.model()], "voice": {"use_mock": True, "hearing": hearing}}
    running = Server(tmp_path_factory.mktemp("voice_in"), config=config).start_blocking()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[Server]:
    """It has nothing but what is installed."""
    config = {"models": [provider.model()]}
    running = Server(tmp_path_factory.mktemp("voice_offline"), config=config).start_blocking()
    yield running
    running.stop()


async def begun(server: Server, name: str) -> str:
    """A session that was begun on another wire."""
    body = {"session_id": name, "content": "Hello"}
    async with asking(server.port, "POST", "/api/chat/stream", body=body) as answer:
        assert answer.status == 200, await answer.body()
        await answer.body()
    return name


def spoken_form(audio: bytes, session: str, name: str = "speech.wav", **fields: str) -> bytes:
    given = [part(each, value.encode()) for each, value in fields.items()]
    return form(part("session_id", session.encode()), *given, part("audio", audio, file=name))


async def speak(
    server: Server, audio: bytes, session: str, *, headers: Any = None, **fields: str
) -> tuple[int, Any]:
    body = spoken_form(audio, session, **fields)
    given = {"Content-Type": TYPE, **(headers or {})}
    async with asking(server.port, "POST", VOICE, body=body, headers=given, within_s=40) as answer:
        return answer.status, json.loads(await answer.body())


async def frames(
    server: Server, audio: bytes, session: str, *, headers: Any = None, **fields: str
) -> list[Frame]:
    body = spoken_form(audio, session, stream="true", **fields)
    given = {"Content-Type": TYPE, **(headers or {})}
    async with asking(server.port, "POST", VOICE, body=body, headers=given) as answer:
        assert answer.status == 200, await answer.body()
        return [frame async for frame in answer.frames()]


SPEAKERS = [
    ("wav", "en-us+f3", "i would like to go home"),
    ("mp3", "en-us+m3", "one two three four five"),
    ("ogg", "en-us+f2", "we want to know about the money"),
    ("webm", "en-gb-scotland", "one two three four five"),
    ("flac", "en-us+f5", "the people of the house"),
    ("m4a", "en-us", "two and three and four"),
]


@sounds.needs_espeak
@pytest.mark.parametrize(("kind", "voice", "words"), SPEAKERS)
async def test_a_spoken_question_is_understood_answered_and_spoken(
    offline: Server, kind: str, voice: str, words: str
) -> None:
    samples, rate = sounds.samples_of(sounds.spoken(words, voice, 150))
    session = await begun(offline, f"spoken-{kind}")

    status, told = await speak(
        offline, sounds.encoded(kind, samples, rate=rate), session, reply_voice="nora"
    )

    assert status == 200, told
    wanted = set(words.split())
    assert len(wanted & set(told["transcript"].split())) >= len(wanted) / 2, told["transcript"]
    assert told["language"] == "en"
    assert abs(told["duration_s"] - len(samples) / 2 / rate) < 0.2
    assert told["reply"]["content"] == said(3)
    audio = base64.b64decode(told["audio"]["b64"], validate=True)
    assert (await Decoder(Children(at_once=1, queue_s=20)).decode(audio)).speaks


@sounds.needs_espeak
async def test_another_language_goes_to_the_service_and_not_to_sphinx(
    server: Server, offline: Server, service: HearingServer
) -> None:
    service.asked.clear()
    question = sounds.spoken("今天天气怎么样", "cmn")

    status, told = await speak(server, question, await begun(server, "zh"), language="zh-CN")
    refused, why = await speak(offline, question, await begun(offline, "zh"), language="zh-CN")

    assert (status, told["transcript"], told["language"]) == (200, "今天天气怎么样", "zh")
    (asked,) = service.asked
    assert asked.fields["language"] == "zh"
    with wave.open(io.BytesIO(asked.audio)) as opened:
        assert (opened.getframerate(), opened.getnchannels()) == (16_000, 1)
    assert (refused, why["code"], why["param"]) == (422, "language_unsupported", "language")


async def test_a_stream_begins_with_the_transcript_and_can_be_resumed_anywhere(
    server: Server, hears: HearingServer
) -> None:
    session = await begun(server, "streamed")
    voice = sounds.wav(sounds.syllables())

    whole = await frames(server, voice, session, reply_voice="nora")

    names = [frame.event for frame in whole]
    assert names[:2] == ["transcript", "message.started"]
    assert whole[0].data == {"transcript": "hello there", "language": "en", "duration_s": 1.0}
    assert names[-1] == "message.completed"
    assert "audio.delta" in names
    for seen in range(len(whole) - 1):
        last = {"Last-Event-ID": whole[seen].id}
        rest = await frames(server, b"not even audio", "x", headers=last)
        assert [each.raw for each in rest] == [each.raw for each in whole[seen + 1 :]]
    assert len(hears.asked) == 1


async def test_the_same_key_and_bytes_are_the_same_turn_and_heard_once(
    server: Server, hears: HearingServer
) -> None:
    session = await begun(server, "keyed")
    voice, key = sounds.wav(sounds.syllables()), {"Idempotency-Key": "spoken-1"}

    _, first = await speak(server, voice, session, headers=key)
    _, again = await speak(server, voice, session, headers=key)
    other, told = await speak(server, voice + b"\0\0", session, headers=key)

    assert first == again
    assert (other, told["code"]) == (409, "idempotency_mismatch")
    assert len(hears.asked) == 1


async def test_what_was_heard_is_a_message_like_all_others(
    server: Server, hears: HearingServer, provider: Provider
) -> None:
    session = await begun(server, "history")
    hears.respond = lambda asked: text("please say words=2 marker=spoken")

    _, told = await speak(server, sounds.wav(sounds.syllables()), session)

    assert told["reply"]["content"] == said(2)
    (call,) = provider.called("marker=spoken")
    assert "Hello" in str(call.body["messages"])  # it knows what was said before
    _, record = await ask(server.port, "GET", f"/turns/{told['reply']['turn_id']}")
    assert record["status"] == "completed"


async def test_hostile_files_get_their_answer_and_the_server_goes_on(
    server: Server, hears: HearingServer
) -> None:
    session = await begun(server, "hostile")
    tried, at_once = hostile(), asyncio.Semaphore(3)
    most = 0

    async def send(audio: bytes) -> tuple[int, Any]:
        nonlocal most
        async with at_once, asyncio.timeout(60):
            answer = await speak(server, audio, session)
            most = max(most, psutil.Process(server.pid).memory_info().rss)
            return answer

    told = await asyncio.gather(*(send(each.audio) for each in (*tried, *flipped())))

    assert len(tried) >= 80
    wrong = [
        (each.what, each.code, status, body.get("code"))
        for each, (status, body) in zip(tried, told, strict=False)
        if not 400 <= status < 500
        or body["code"] not in CODES
        or (each.code != ANY and body["code"] != each.code)
    ]
    assert wrong == []
    assert {status for status, _ in told[len(tried) :]} <= {200, 422}
    assert all(asked.audio[:4] == b"RIFF" for asked in hears.asked)
    assert most < 600 * 1_048_576
    assert psutil.Process(server.pid).children() == []
    assert "Traceback" not in server.output
    status, body = await speak(server, sounds.wav(sounds.syllables()), session)
    assert (status, body["transcript"]) == (200, "hello there")


async def test_malformed_forms_are_refused(server: Server) -> None:
    for what, (body, kind, status) in MALFORMED.items():
        headers = {} if kind is None else {"Content-Type": kind}
        async with asking(server.port, "POST", VOICE, body=body, headers=headers) as answer:
            told = json.loads(await answer.body())
        # A file may be larger here, and there is no session.
        wanted = {status} if what != "too large a file" else {422}
        assert answer.status in wanted, (what, told)
        assert told["code"]


async def test_an_upload_is_bounded_before_it_is_read(server: Server) -> None:
    head = {"Content-Type": TYPE, "Content-Length": "99999999", "Expect": "100-continue"}
    async with asking(server.port, "POST", VOICE, headers=head) as answer:
        told = json.loads(await answer.body())

    assert (answer.status, told["code"]) == (413, "payload_too_large")


async def test_a_service_that_fails_is_told_and_its_words_are_not(
    server: Server, hears: HearingServer
) -> None:
    session = await begun(server, "failing")
    hears.respond = lambda asked: Reply(f'{{"error":"bad {KEY}"}}'.encode(), 401)

    status, told = await speak(server, sounds.wav(sounds.syllables()), session)

    assert (status, told["code"]) == (502, "hearing_failed")
    assert KEY not in json.dumps(told) + server.output


async def test_nobody_is_heard_who_has_left(server: Server, hears: HearingServer) -> None:
    session = await begun(server, "left")
    hears.respond = lambda asked: Reply(then="stall")
    body = spoken_form(sounds.wav(sounds.syllables()), session)
    head = f"POST {VOICE} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {TYPE}\r\n"

    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    await until(lambda: hears.asked)
    writer.close()

    await until(lambda: hears.asked[0].given_up)
    _, told = await ask(server.port, "GET", f"/sessions/{session}")
    assert told["message_count"] == 2  # only those that it was begun with
