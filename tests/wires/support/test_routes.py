"""The routes over HTTP, with an engine of one turn."""

from __future__ import annotations

import httpx2
import pytest

from talkwire.web import shared_path
from talkwire.wires.support.encode import Encoder, EventSourceEncoder
from talkwire.wires.support.routes import Chat, router
from tests.cases.turns import CASES, SCENES, SESSION, TURN
from tests.desk import LISTING, Desk
from tests.web.wire import OneTurn, client_of

PATH = "/chat/stream"
CASE = "scene_answer"


def setting(
    case: str = CASE, desk: Desk | None = None, input_chars: int = 20_000
) -> tuple[OneTurn, httpx2.AsyncClient]:
    turns = OneTurn(CASES[case])
    way = Chat(turns, input_chars=input_chars)
    own = router(turns, desk or Desk(), input_chars=input_chars)
    return turns, client_of(own, shared_path.router(PATH, turns, [way]))


async def test_a_post_is_lines_of_data_and_nothing_else() -> None:
    turns, client = setting()
    async with client:
        body = {"user_query": "Hello", "thread_id": SESSION, "context": {"order": 7}}
        response = await client.post(PATH, json=body)

    assert response.content == b"".join(Encoder(TURN, SESSION).feed(CASES[CASE]))
    assert all(line.startswith("data: {") for line in response.text.splitlines() if line)
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache, no-transform"
    assert response.headers["x-accel-buffering"] == "no"
    assert (response.headers["x-turn-id"], response.headers["x-session-id"]) == (TURN, SESSION)
    (asked,) = turns.asked
    assert (asked.text, asked.session_id, asked.facts) == ("Hello", SESSION, '{"order":7}')


async def test_a_get_has_ids_and_begins_with_one_alone() -> None:
    turns, client = setting()
    async with client:
        response = await client.get(f"{PATH}?user_query=Hello&category=Account&context=%7B%7D")

    assert response.content == b"".join(EventSourceEncoder(TURN, SESSION).feed(CASES[CASE]))
    assert response.content.startswith(b"id: %s:0\n\nid: %s:1\ndata: {" % ((TURN.encode(),) * 2))
    assert (turns.asked[0].category, turns.asked[0].facts) == ("Account", "")


async def test_identical_gets_carry_the_same_key_and_others_do_not() -> None:
    turns, client = setting()
    async with client:
        for query in (
            "user_query=a&thread_id=s",
            "thread_id=s&user_query=a",
            "user_query=b&thread_id=s",
            "user_query=a&thread_id=t",
        ):
            assert (await client.get(f"{PATH}?{query}")).status_code == 200

    keys = [key.key for key in turns.keys if key is not None]
    assert len(keys) == 4
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
    assert {key.ttl_s for key in turns.keys if key is not None} == {10.0}


async def test_an_idempotency_key_reaches_the_engine() -> None:
    turns, client = setting()
    async with client:
        for path in (PATH, "/chat"):
            headers = {"Idempotency-Key": "k1"}
            assert (
                await client.post(path, json={"user_query": "x"}, headers=headers)
            ).status_code == 200

    assert [key.key for key in turns.keys if key is not None] == ["key:k1"] * 2


@pytest.mark.parametrize(
    ("case", "text", "reason"),
    [
        ("scene_answer", "Your money is on\nits way.", None),
        ("scene_clarify", "Which one do you mean?\n- a\n- b", None),
        ("scene_aborted", "Your money ", "aborted"),
    ],
)
async def test_a_whole_answer_is_one_object(case: str, text: str, reason: str | None) -> None:
    turns, client = setting(case)
    async with client:
        response = await client.post("/chat", json={"user_query": "Hello", "thread_id": SESSION})

    scene = SCENES["clarify" if case == "scene_clarify" else "answer"]
    expected = {
        "response": text,
        "category": scene.category,
        "subcategory": scene.subcategory,
        "thread_id": SESSION,
        "confidence": scene.confidence,
        "related_subcategories": list(scene.related),
        "sop_references": list(scene.sop_references),
    }
    assert response.status_code == 200
    assert response.json() == expected | ({} if reason is None else {"finish_reason": reason})
    assert response.headers["content-type"] == "application/json"
    assert (response.headers["x-turn-id"], response.headers["x-session-id"]) == (TURN, SESSION)
    assert not turns.log.readers


async def test_a_whole_answer_that_failed_is_a_problem_with_its_status() -> None:
    _, client = setting("scene_failed")
    async with client:
        response = await client.post("/chat", json={"user_query": "Hello"})

    assert (response.status_code, response.json()["code"]) == (504, "upstream_timeout")
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", [PATH, "/chat"])
async def test_input_is_bounded_by_the_settings_where_they_are_narrower(path: str) -> None:
    turns, client = setting(input_chars=5)
    async with client:
        response = await client.post(path, json={"user_query": "Hello!"})

    assert (response.status_code, response.json()["param"]) == (422, "user_query")
    assert turns.asked == []


async def test_scenarios_are_listed_in_their_order() -> None:
    _, client = setting()
    async with client:
        response = await client.get("/scenarios")

    assert response.json() == LISTING
    assert list(response.json()["categories"]) == ["Withdrawals", "Account"]


async def test_without_a_catalogue_there_is_no_list() -> None:
    _, client = setting(desk=Desk("no such file"))
    async with client:
        response = await client.get("/scenarios")

    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert "no such file" in response.json()["detail"]


async def test_the_routes_are_in_the_openapi_document() -> None:
    _, client = setting()
    async with client:
        paths = (await client.get("/openapi.json")).json()["paths"]

    body = paths["/chat"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["required"] == ["user_query"]
    assert paths[PATH]["post"]["requestBody"]["content"]["application/json"]["schema"] == body
    assert {"/scenarios", "/chat", PATH} <= set(paths)
