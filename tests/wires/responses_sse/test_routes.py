"""The chat routes over HTTP, with an engine of one turn."""

from __future__ import annotations

import httpx2

from talkwire.web import shared_path
from talkwire.wires.responses_sse.encode import Encoder
from talkwire.wires.responses_sse.routes import Chat, router
from tests.cases.turns import CASES, SESSION, TURN
from tests.web.wire import OneTurn, client_of
from tests.wires.responses_sse.prompt_shelf import Shelf

FRAMES = Encoder(TURN, SESSION).feed(CASES["plain"])


def setting() -> tuple[OneTurn, httpx2.AsyncClient]:
    turns = OneTurn(CASES["plain"])
    chat = shared_path.router("/chat/stream", turns, [Chat(turns)])
    return turns, client_of(router(turns, Shelf()), chat)


async def test_a_post_starts_a_turn_and_answers_with_its_stream() -> None:
    turns, client = setting()
    async with client:
        response = await client.post(
            "/chat/stream", json={"input": "Hello"}, headers={"X-Voice-Id": "anna"}
        )

    assert response.status_code == 200
    assert response.content == b"".join(FRAMES)
    assert response.headers["content-type"] == "text/event-stream"
    assert response.headers["x-turn-id"] == TURN
    assert response.headers["x-session-id"] == SESSION
    assert response.headers["x-request-id"]
    assert (turns.asked[0].text, turns.asked[0].voice) == ("Hello", "anna")
    assert turns.keys == [None]


async def test_a_cursor_wins_over_the_body_and_starts_nothing() -> None:
    turns, client = setting()
    async with client:
        rest = await client.post(
            "/chat/stream", content=b"rubbish", headers={"Last-Event-ID": f"{TURN}:3"}
        )
        over = await client.get(f"/chat/stream?input=x&lastEventId={TURN}:{len(FRAMES) - 1}")

    assert rest.content == b"".join(FRAMES[4:])
    assert over.status_code == 204
    assert over.content == b""
    assert turns.asked == []


async def test_identical_gets_carry_the_same_key_and_others_do_not() -> None:
    turns, client = setting()
    async with client:
        for query in (
            "input=a&sessionId=s",
            "sessionId=s&input=a",
            "input=b&sessionId=s",
            "input=a&sessionId=t",
            "input=a&sessionId=s&voiceId=anna",
        ):
            assert (await client.get(f"/chat/stream?{query}")).status_code == 200

    keys = [key.key for key in turns.keys if key is not None]
    assert len(keys) == 5
    assert keys[0] == keys[1]
    assert len(set(keys)) == 4
    assert {key.ttl_s for key in turns.keys if key is not None} == {10.0}


async def test_an_idempotency_key_reaches_the_engine() -> None:
    turns, client = setting()
    async with client:
        for voice in ("anna", "ben"):
            headers = {"Idempotency-Key": "k1", "X-Voice-Id": voice}
            await client.post("/chat/stream", json={"input": "x"}, headers=headers)

    one, two = turns.keys
    assert one is not None
    assert two is not None
    assert one.key == two.key
    assert one.fingerprint != two.fingerprint


async def test_healthz_is_alive() -> None:
    _, client = setting()
    async with client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}


async def test_the_routes_are_in_the_openapi_document() -> None:
    _, client = setting()
    async with client:
        document = (await client.get("/openapi.json")).json()

    chat = document["paths"]["/chat/stream"]
    body = chat["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert "promptVariables" in body["properties"]
    assert "input" in [each["name"] for each in chat["get"]["parameters"]]
    assert set(document["paths"]["/prompts/{name}"]) == {"get", "put", "delete"}
