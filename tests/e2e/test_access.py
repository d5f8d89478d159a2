"""Nobody gets at what is another's, by no route; taken from the OpenAPI document."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e import matrix
from tests.e2e.keyed import Key, Whole, whole
from tests.e2e.matrix import CLOSED, OWNED, PUBLIC, Place
from tests.e2e.routed import MODELS, STREAM, WHOLE
from tests.e2e.servers import Server
from tests.e2e.wire_client import ask


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("keyed")
    with matrix.provided() as provider:
        server = Server(folder, config=matrix.config(folder, provider))
        server.start_blocking()
        yield server
        server.stop()


@pytest.fixture(scope="module")
def place(keyed: Server) -> Place:
    return asyncio.run(matrix.furnished(keyed, matrix.made(keyed)))


# Wires whose errors are no problems.
SHAPES = {
    "/mcp": "application/json",
    STREAM: "text/plain; charset=utf-8",
    WHOLE: "application/json",
    MODELS: "application/json",
}


def _told(answer: Whole) -> dict[str, Any]:
    """What an error tells to programs; one wire has it deeper inside, one in a frame."""
    body: dict[str, Any] = json.loads(answer.body.removeprefix(b"data: "))
    return dict(body["error"]["data"]) if "jsonrpc" in body else body


@pytest.mark.parametrize(("method", "path"), CLOSED)
async def test_every_route_needs_a_key(place: Place, method: str, path: str) -> None:
    answer = await whole(place.server, method, matrix.filled(path, place.theirs), body={})

    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == SHAPES.get(path, "application/problem+json")
    problem = _told(answer)
    assert (problem["code"], problem.get("retryable", False)) == ("unauthorized", False)
    assert problem.get("status", 401) == 401


@pytest.mark.parametrize(("method", "path"), CLOSED)
async def test_every_route_needs_a_scope(place: Place, method: str, path: str) -> None:
    # The one scope that `none` has opens this one route; usual keys have all but that.
    who = place.bob if path == "/metrics" else place.none
    answer = await matrix.as_who(place, who, method, path, place.theirs)

    assert answer.status == 403
    assert _told(answer)["code"] == "forbidden"


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/nothing", "/health/", "//health"])
async def test_what_is_no_route_of_ours_needs_a_key_too(place: Place, path: str) -> None:
    assert (await whole(place.server, "GET", path)).status == 401


@pytest.mark.parametrize("path", sorted(PUBLIC))
async def test_what_tells_of_health_needs_none(place: Place, path: str) -> None:
    assert (await whole(place.server, "GET", path)).status == 200


@pytest.mark.parametrize(("method", "path"), OWNED)
@pytest.mark.parametrize("who", ["bob", "admin"])
async def test_what_is_anothers_answers_as_what_is_not_there(
    place: Place, method: str, path: str, who: str
) -> None:
    key: Key = getattr(place, who)
    assert await matrix.crossing(place, key, method, path) is None


@pytest.mark.parametrize(("method", "path"), OWNED)
async def test_its_owner_gets_it(place: Place, method: str, path: str) -> None:
    answer = await matrix.as_who(place, place.ann, method, path, place.theirs)

    # What is uploaded is no sound, which nobody else is told.
    assert answer.status in ((422,) if path in matrix.UPLOADS else (200, 202))


@pytest.mark.parametrize("path", ["/chat/stream", "/turns"])
@pytest.mark.parametrize("where", ["header", "query"])
async def test_a_cursor_opens_nothing_of_anothers(place: Place, path: str, where: str) -> None:
    answers = []
    for turn_id in (place.theirs["turn_id"], place.missing()["turn_id"]):
        headers, query = place.bob.headers, ""
        if where == "header":
            headers = headers | {"Last-Event-ID": f"{turn_id}:0"}
        else:
            query = f"?lastEventId={turn_id}:0"
        got = await whole(place.server, "POST", path + query, body={}, headers=headers)
        answers.append(got.without(turn_id))

    assert answers[0] == answers[1]
    assert answers[0].status == 404


async def test_a_parent_of_anothers_answers_as_one_that_is_not_there(place: Place) -> None:
    answers = []
    for message_id in (place.theirs["message_id"], place.missing()["message_id"]):
        body = {"input": "Hi", "session_id": "holidays", "parent_message_id": message_id}
        got = await whole(place.server, "POST", "/turns", body=body, headers=place.bob.headers)
        answers.append(got.without(message_id))

    assert answers[0] == answers[1]
    assert answers[0].status == 404


async def test_two_owners_may_name_their_sessions_alike(place: Place) -> None:
    body = {"input": "Mine", "session_id": "holidays"}
    status, started = await ask(
        place.server.port, "POST", "/turns", body=body, headers=place.bob.headers
    )

    assert (status, started["session_id"]) == (202, "holidays")
    for mine, other in itertools.permutations((place.ann, place.bob)):
        own = place.theirs["turn_id"] if mine is place.ann else started["turn_id"]
        assert (
            await whole(place.server, "GET", f"/turns/{own}", headers=mine.headers)
        ).status == 200
        theirs = await whole(place.server, "GET", f"/turns/{own}", headers=other.headers)
        assert theirs.status == 404


async def test_an_idempotency_key_is_its_owners(place: Place) -> None:
    once = {"Idempotency-Key": "same"}
    turns = []
    for who in (place.ann, place.bob, place.ann):
        _, started = await ask(
            place.server.port, "POST", "/turns", body={"input": "1"}, headers=who.headers | once
        )
        turns.append(started["turn_id"])

    assert turns[0] == turns[2] != turns[1]


async def test_only_an_admin_writes_prompts(place: Place) -> None:
    body = {"text": "Be brief."}
    answers = [
        await whole(place.server, "PUT", "/prompts/brief", body=body, headers=who.headers)
        for who in (place.ann, place.admin)
    ]

    assert [answer.status for answer in answers] == [403, 201]


async def test_a_wrong_credential_is_refused_alike(place: Place) -> None:
    text = place.ann.text
    wrong = [
        {"Authorization": "Bearer tw_nobody_" + "0" * 64},
        {"Authorization": f"Bearer {text[:-1]}{'0' if text[-1] != '0' else '1'}"},
        {"Authorization": "Bearer a.b.c"},
        {"Authorization": "Bearer " + "x" * 9000},
        {"X-API-Key": "x"},
    ]
    answers = [
        (await whole(place.server, "GET", "/turns/x", headers=each)).without() for each in wrong
    ]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0].status == 401
    strange = [
        {"Authorization": f"Basic {text}"},
        {"Authorization": "Bearer"},
        {"Authorization": f"Bearer {text}", "X-API-Key": place.bob.text},
    ]
    for each in strange:
        assert (await whole(place.server, "GET", "/turns/x", headers=each)).status == 401


@pytest.mark.parametrize("header", ["x-api-key", "X-API-KEY", "authorization", "both"])
async def test_a_key_may_come_in_either_header(place: Place, header: str) -> None:
    text = place.ann.text
    headers = {
        "authorization": {"authorization": f"bearer  {text}"},
        "both": {"Authorization": f"Bearer {text}", "X-API-Key": text},
    }.get(header, {header: text})
    path = f"/turns/{place.theirs['turn_id']}"

    assert (await whole(place.server, "GET", path, headers=headers)).status == 200
