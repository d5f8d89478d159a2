"""`POST /chat/voice` over HTTP, with one turn and ears that are told what to hear."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx2
import pytest

from talkwire.canon.agents import AgentCard
from talkwire.canon.errors import HearingError, NotFound, Unprocessable
from talkwire.canon.events import Stamped, TurnStarted
from talkwire.canon.hearing import Spoken
from talkwire.canon.sessions import Session
from talkwire.canon.turn import TextPart, TurnRequest
from talkwire.web.upload import Uploads
from talkwire.wires.agent_chat.encode import Encoder
from talkwire.wires.agent_chat.shapes import SpokenShape
from talkwire.wires.agent_chat.voice import FILE, VOICE, router
from tests.cases.turns import CASES, SESSION, TURN
from tests.web.wire import OneTurn, client_of
from tests.wires.frames import parse

ASKED = TurnRequest(
    SESSION,
    "agent-chat",
    parts=(TextPart("what time is it"),),
    heard_ms=1_340,
    heard_language="en",
)
FIELDS = {"session_id": SESSION}


class Household:
    """One session, two agents, and ears."""

    def __init__(self, **hears: Any) -> None:
        self.heard: list[tuple[bytes, str | None]] = []
        self.deaf = hears.get("deaf", False)
        self.text = hears.get("text", "what time is it")

    async def session(self, owner: str, session_id: str) -> Session:
        if session_id != SESSION:
            raise NotFound("There is no such session.", param="session_id")
        return Session(session_id, owner, 1, 2, 3)

    def cards(self) -> Sequence[AgentCard]:
        return (AgentCard("assistant", "Assistant"), AgentCard("weather", "Weather"))

    async def listen(self, audio: bytes, *, language: str | None) -> Spoken:
        await asyncio.sleep(0)
        self.heard.append((audio, language))
        if self.deaf:
            raise HearingError("Set voice.hearing.base_url.", code="hearing_unavailable")
        if not self.text:
            raise Unprocessable("Nobody speaks.", code="no_speech", param="audio")
        return Spoken(self.text, language or "en", 1_340)


def spoken_turn(case: str = "plain") -> list[Stamped]:
    first, *rest = CASES[case]
    started = TurnStarted(TURN, SESSION, "agent-chat", ASKED)
    return [Stamped(first.n, first.at, started), *rest]


def setting(**hears: Any) -> tuple[OneTurn, Household, httpx2.AsyncClient]:
    turns, house = OneTurn(spoken_turn()), Household(**hears)
    uploads = Uploads(FILE, most_bytes=1_000, waiting_bytes=100_000)
    routes = router(turns, house, house, listening=house, uploads=uploads, input_chars=100)
    return turns, house, client_of(routes)


async def ask(client: httpx2.AsyncClient, audio: bytes = b"sound", **given: Any) -> httpx2.Response:
    headers = given.pop("headers", {})
    fields = {**FIELDS, **given}
    files = {FILE: ("a.wav", audio, "audio/wav")}
    return await client.post(VOICE, data=fields, files=files, headers=headers)


async def test_speech_is_answered_with_what_was_heard_and_what_was_said() -> None:
    turns, house, client = setting()
    async with client:
        response = await ask(client, language="en-GB", agent_id="weather")

    told = response.json()
    SpokenShape.model_validate(told)
    assert response.status_code == 200
    assert (told["transcript"], told["language"], told["duration_s"]) == (
        "what time is it",
        "en",
        1.34,
    )
    assert (told["reply"]["content"], told["reply"]["turn_id"]) == ("Hello, world.", TURN)
    assert response.headers["x-turn-id"] == TURN
    (asked,) = turns.asked
    assert (asked.text, asked.heard_ms, asked.heard_language) == (
        "what time is it",
        1_340,
        "en-GB",
    )
    assert (asked.agent, asked.voice, asked.voice_mode) == ("weather", None, None)
    assert house.heard == [(b"sound", "en-GB")]
    assert not turns.log.readers


async def test_a_voice_to_answer_with_speaks_as_the_text_comes() -> None:
    turns, _, client = setting()
    async with client:
        await ask(client, reply_voice="nora")

    assert (turns.asked[0].voice, turns.asked[0].voice_mode) == ("nora", "live")


@pytest.mark.parametrize("yes", ["true", "1"])
async def test_a_stream_begins_with_what_was_heard(yes: str) -> None:
    _, _, client = setting()
    async with client:
        response = await ask(client, stream=yes)

    frames = parse(response.content)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.content == b"".join(Encoder(TURN, SESSION).feed(spoken_turn()))
    assert [frame.kind for frame in frames][:2] == ["transcript", "message.started"]
    assert frames[0].id == f"{TURN}:0"


@pytest.mark.parametrize("seen", [0, 1, 2])
async def test_whoever_resumes_is_told_the_rest_and_nothing_is_heard(seen: int) -> None:
    turns, house, client = setting()
    async with client:
        whole = (await ask(client, stream="true")).content
        rest = await ask(client, headers={"last-event-id": f"{TURN}:{seen}"})

    assert rest.content == b"".join(
        frame + b"\n\n" for frame in whole.split(b"\n\n")[seen + 1 : -1]
    )
    assert len(house.heard) == len(turns.asked) == 1


async def test_a_key_is_for_the_bytes_of_the_speech_and_the_fields() -> None:
    turns, house, client = setting()
    key = {"idempotency-key": "k1"}
    async with client:
        await ask(client, headers=key)
        await ask(client, headers=key, reply_voice="nora")
        await ask(client, b"other", headers=key)
        prints = {each.fingerprint for each in turns.keys if each is not None}
        first = turns.keys[0]
        assert first is not None
        turns.used = {first.key: first.fingerprint}
        again = await ask(client, headers=key)
        other = await ask(client, b"other", headers=key)

    assert len(prints) == 3
    assert again.json()["reply"]["turn_id"] == TURN
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_mismatch")
    assert len(house.heard) == 3  # what has its turn is not heard again


@pytest.mark.parametrize(
    ("given", "status", "param"),
    [
        ({"session_id": "s_other"}, 404, "session_id"),
        ({"session_id": "a b"}, 422, "session_id"),
        ({"session_id": ""}, 422, "session_id"),
        ({"agent_id": "nobody"}, 404, "agent_id"),
        ({"language": "english please"}, 422, "language"),
        ({"reply_voice": "two words"}, 422, "reply_voice"),
        ({"stream": "perhaps"}, 422, "stream"),
        ({"audio": bytes(1_001)}, 413, "audio"),
        ({"headers": {"idempotency-key": "two words"}}, 400, "Idempotency-Key"),
    ],
)
async def test_what_is_wrong_is_told_before_anything_is_heard(
    given: dict[str, Any], status: int, param: str
) -> None:
    turns, house, client = setting()
    async with client:
        response = await ask(client, **given)

    assert (response.status_code, response.json().get("param")) == (status, param)
    assert (house.heard, turns.asked) == ([], [])


async def test_no_speech_starts_no_turn() -> None:
    turns, _, client = setting(text="")
    async with client:
        response = await ask(client)

    assert (response.status_code, response.json()["code"]) == (422, "no_speech")
    assert turns.asked == []


async def test_without_ears_it_says_what_to_set() -> None:
    _, _, client = setting(deaf=True)
    async with client:
        response = await ask(client)

    assert response.json()["code"] == "hearing_unavailable"
    assert "voice.hearing" in response.json()["detail"]


async def test_more_than_a_message_holds_is_no_message() -> None:
    turns, _, client = setting(text="la " * 50)
    async with client:
        response = await ask(client)

    assert (response.status_code, response.json()["code"]) == (502, "hearing_failed")
    assert turns.asked == []


async def test_a_body_that_is_no_form_is_refused() -> None:
    _, _, client = setting()
    async with client:
        response = await client.post(VOICE, json={"session_id": SESSION})

    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")
