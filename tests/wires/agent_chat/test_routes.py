"""The routes over HTTP, with an engine of one turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx2
import pytest

from talkwire.canon.agents import AgentCard
from talkwire.canon.errors import NotFound
from talkwire.canon.events import Stamped
from talkwire.canon.sessions import Session
from talkwire.wires.agent_chat.encode import Encoder
from talkwire.wires.agent_chat.routes import AGENTS, MESSAGE, STREAM, router
from tests.cases.turns import CASES, SESSION, TURN
from tests.web.wire import OneTurn, client_of

CASE = "tool_call"
ASKED = {"session_id": SESSION, "content": "Hello"}


class Household:
    """One session and two agents."""

    async def session(self, owner: str, session_id: str) -> Session:
        if session_id != SESSION:
            raise NotFound("There is no such session.", param="session_id")
        return Session(session_id, owner, 1, 2, 3)

    def cards(self) -> Sequence[AgentCard]:
        return (AgentCard("assistant", "Assistant"), AgentCard("weather", "Weather"))


def setting(
    events: Sequence[Stamped] = CASES[CASE], **bounds: Any
) -> tuple[OneTurn, httpx2.AsyncClient]:
    turns, house = OneTurn(events), Household()
    return turns, client_of(router(turns, house, house, **bounds))


async def test_a_message_is_answered_when_the_answer_is_whole() -> None:
    turns, client = setting()
    async with client:
        response = await client.post(MESSAGE, json=ASKED)

    told = response.json()
    assert response.status_code == 200
    assert (told["content"], told["turn_id"], told["session_id"]) == ("Blue sky.", TURN, SESSION)
    assert [each["name"] for each in told["tool_calls"]] == ["weather"]
    assert (response.headers["x-turn-id"], response.headers["x-session-id"]) == (TURN, SESSION)
    assert [each.text for each in turns.asked] == ["Hello"]
    assert not turns.log.readers


async def test_a_stream_is_the_frames_of_the_turn() -> None:
    _, client = setting()
    async with client:
        response = await client.post(STREAM, json=ASKED)

    assert response.content == b"".join(Encoder(TURN, SESSION).feed(CASES[CASE]))
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-cache, no-transform"
    assert response.headers["x-accel-buffering"] == "no"
    assert (response.headers["x-turn-id"], response.headers["x-session-id"]) == (TURN, SESSION)


async def test_every_frame_can_be_resumed_from_and_the_last_is_204() -> None:
    turns, client = setting()
    frames = Encoder(TURN, SESSION).feed(CASES[CASE])
    async with client:
        for n in range(len(frames)):
            response = await client.post(STREAM, headers={"Last-Event-ID": f"{TURN}:{n}"})
            assert response.content == b"".join(frames[n + 1 :])
            assert response.status_code == (204 if n == len(frames) - 1 else 200)

    assert turns.asked == []


@pytest.mark.parametrize("path", [MESSAGE, STREAM])
@pytest.mark.parametrize(
    ("given", "status", "param"),
    [
        ({"session_id": "s_other"}, 404, "session_id"),
        ({"agent_id": "nobody"}, 404, "agent_id"),
        ({"content": ""}, 422, "content"),
        ({"attachments": [{"type": "image"}]}, 422, "attachments.0.type"),
    ],
)
async def test_what_cannot_be_asked_is_a_problem_that_names_the_field(
    path: str, given: dict[str, Any], status: int, param: str
) -> None:
    turns, client = setting()
    async with client:
        response = await client.post(path, json={**ASKED, **given})

    assert (response.status_code, response.json()["param"]) == (status, param)
    assert response.headers["content-type"] == "application/problem+json"
    if param == "agent_id":
        assert "assistant, weather" in response.json()["detail"]
    assert turns.asked == []


async def test_an_agent_that_there_is_reaches_the_engine() -> None:
    turns, client = setting()
    async with client:
        await client.post(MESSAGE, json={**ASKED, "agent_id": "weather"})
        await client.post(MESSAGE, json={**ASKED, "agent_id": "assistant"})

    assert [each.agent for each in turns.asked] == ["weather", None]


async def test_an_idempotency_key_reaches_the_engine() -> None:
    turns, client = setting()
    async with client:
        for path in (STREAM, MESSAGE):
            await client.post(path, json=ASKED, headers={"Idempotency-Key": "k1"})

    assert [key.key for key in turns.keys if key is not None] == ["key:k1"] * 2


@pytest.mark.parametrize(
    ("case", "status", "code"),
    [("failed_midway", 504, "upstream_timeout"), ("failed_before_route", 503, "unavailable")],
)
async def test_a_turn_that_fails_is_a_problem_with_the_status_of_its_code(
    case: str, status: int, code: str
) -> None:
    _, client = setting(CASES[case])
    async with client:
        response = await client.post(MESSAGE, json=ASKED)

    assert (response.status_code, response.json()["code"]) == (status, code)


async def test_agents_are_listed() -> None:
    _, client = setting()
    async with client:
        told = (await client.get(AGENTS)).json()

    assert [each["id"] for each in told["agents"]] == ["assistant", "weather"]


async def test_the_openapi_document_has_fields_answers_errors_and_examples() -> None:
    _, client = setting()
    async with client:
        paths = (await client.get("/openapi.json")).json()["paths"]

    said = paths[MESSAGE]["post"]
    body = said["requestBody"]["content"]["application/json"]
    asked = body["schema"]
    answer = said["responses"]["200"]["content"]["application/json"]
    assert asked["required"] == ["session_id", "content"]
    assert body["example"]
    assert set(answer["schema"]["required"]) <= set(answer["example"])
    problem = said["responses"]["404"]["content"]["application/problem+json"]
    assert set(problem["schema"]["required"]) <= set(problem["example"])
    assert "text/event-stream" in paths[STREAM]["post"]["responses"]["200"]["content"]
    assert paths[AGENTS]["get"]["responses"]["200"]["content"]["application/json"]["example"]
