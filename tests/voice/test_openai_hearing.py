from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator

import pytest
from pydantic import SecretStr

from talkwire.canon.errors import HearingError
from talkwire.canon.hearing import Heard
from talkwire.voice.decoding import wav
from talkwire.voice.openai_hearing import OpenAIHearing, Waiting
from tests.e2e.waiting import until
from tests.upstream.hearing import HearingServer, Reply, text

SOUND = wav(bytes(range(256)) * 500)
KEY = "sk-hearing-7f3a"


@pytest.fixture
async def server() -> AsyncIterator[HearingServer]:
    async with HearingServer(lambda asked: text("What time is it?")) as running:
        yield running


def _hearing(base_url: str, **given: object) -> OpenAIHearing:
    waiting = Waiting(connect_s=5, answer_s=float(str(given.pop("answer_s", 10))))
    return OpenAIHearing(base_url, SecretStr(KEY), waiting=waiting)


async def _heard(server: HearingServer, language: str | None = None) -> Heard:
    hearing = _hearing(server.base_url)
    try:
        return await hearing.hear(SOUND, language=language)
    finally:
        await hearing.close()


async def _failure(server: HearingServer, **given: object) -> HearingError:
    hearing = _hearing(server.base_url, **given)
    try:
        with pytest.raises(HearingError) as caught:
            await hearing.hear(SOUND, language=None)
    finally:
        await hearing.close()
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value


async def test_the_sound_goes_out_as_the_api_wants_it(server: HearingServer) -> None:
    assert await _heard(server, "en-GB") == Heard("What time is it?", "en")

    (asked,) = server.asked
    assert asked.head.startswith("POST /v1/audio/transcriptions HTTP/1.1")
    assert f"Bearer {KEY}" in asked.head
    assert asked.audio == SOUND
    assert asked.fields == {
        "model": "whisper-1",
        "response_format": "verbose_json",
        "language": "en",
    }


@pytest.mark.parametrize(
    ("told", "asked", "found"),
    [
        ("english", None, "en"),
        ("Chinese", None, "zh"),
        ("de", None, "de"),
        ("klingon of the north", None, ""),
        (None, "zh-CN", "zh-CN"),
        (None, None, ""),
    ],
)
async def test_the_language_is_a_tag(
    server: HearingServer, told: str | None, asked: str | None, found: str
) -> None:
    server.respond = lambda _: text("x", told)

    assert (await _heard(server, asked)).language == found


async def test_the_text_is_one_line(server: HearingServer) -> None:
    server.respond = lambda _: text("  What\n\ntime \u2028 is it? ")

    assert (await _heard(server)).text == "What time is it?"


@pytest.mark.parametrize(
    ("status", "times", "retryable"),
    [
        *((status, 1, False) for status in (302, 400, 401, 403, 404)),
        *((status, 2, True) for status in (429, 500, 503)),
    ],
)
async def test_a_refusal_is_told_without_its_words(
    server: HearingServer, status: int, times: int, retryable: bool
) -> None:
    server.respond = lambda _: Reply(f'{{"error":"you sent {KEY}"}}'.encode(), status)

    failure = await _failure(server)

    assert (failure.code, failure.retryable) == ("hearing_failed", retryable)
    assert len(server.asked) == times


async def test_what_failed_once_is_asked_again(server: HearingServer) -> None:
    replies: Iterator[Reply] = iter([Reply(status=503), text("at last")])
    server.respond = lambda _: next(replies)

    assert (await _heard(server)).text == "at last"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b"<html>"),
        Reply(b"[]"),
        Reply(b'{"txt":"x"}'),
        Reply(b'{"text":7}'),
        Reply(b'{"text":"\xff"}'),
        Reply(b"[" * 100_000),
        Reply(b"", then="flood"),
    ],
    ids=["page", "list", "other", "number", "bytes", "deep", "endless"],
)
async def test_what_is_no_transcription_is_refused(server: HearingServer, reply: Reply) -> None:
    server.respond = lambda _: reply

    assert not (await _failure(server)).retryable
    assert len(server.asked) == 1


async def test_a_cut_answer_is_asked_for_again(server: HearingServer) -> None:
    server.respond = lambda _: Reply(b'{"text":', then="cut")

    assert (await _failure(server)).retryable
    assert len(server.asked) == 2


async def test_one_that_falls_silent_is_left(server: HearingServer) -> None:
    server.respond = lambda _: Reply(then="stall")

    failure = await _failure(server, answer_s=0.3)

    assert (failure.status, failure.retryable) == (504, False)
    await until(lambda: server.asked[0].given_up)


async def test_cancelling_closes_the_connection(server: HearingServer) -> None:
    server.respond = lambda _: Reply(then="stall")
    hearing = _hearing(server.base_url)
    task = asyncio.create_task(hearing.hear(SOUND, language=None))
    await until(lambda: server.asked)

    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    await until(lambda: server.asked[0].given_up)
    await hearing.close()


async def test_one_that_is_not_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    hearing = _hearing(f"http://127.0.0.1:{port}/v1")

    with pytest.raises(HearingError, match="cannot be reached"):
        await hearing.hear(SOUND, language=None)
    with pytest.raises(HearingError):
        await hearing.check()
    await hearing.close()


async def test_a_check_asks_nothing_to_be_heard(server: HearingServer) -> None:
    hearing = _hearing(server.base_url.replace("://", "://who:canary@"))

    told = await hearing.check()
    assert "answers" in told
    assert "canary" not in told

    assert [each.head.split(" HTTP")[0] for each in server.asked] == ["GET /v1/models"]
    server.respond = lambda _: Reply(status=401)
    with pytest.raises(HearingError, match="key"):
        await hearing.check()
    await hearing.close()
