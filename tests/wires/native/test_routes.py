"""The routes over HTTP, with an engine of one turn."""

from __future__ import annotations

import httpx2
import pytest

from talkwire.wires.native.encode import Encoder
from talkwire.wires.native.routes import router
from tests.cases.turns import CASES, SESSION, TURN
from tests.web.wire import OneTurn, client_of

FRAMES = Encoder(TURN, SESSION).feed(CASES["plain"])
STREAM = {"Accept": "text/event-stream"}


def setting() -> tuple[OneTurn, httpx2.AsyncClient]:
    turns = OneTurn(CASES["plain"])
    return turns, client_of(router(turns))


async def test_a_turn_is_accepted_with_where_to_follow_it() -> None:
    turns, client = setting()
    async with client:
        response = await client.post("/turns", json={"input": "Hello"})
        stream = await client.get(response.json()["events_url"])

    assert response.status_code == 202
    assert response.json() == {
        "turn_id": TURN,
        "session_id": SESSION,
        "events_url": f"/turns/{TURN}/events",
    }
    assert stream.content == b"".join(FRAMES)
    assert turns.asked[0].text == "Hello"


async def test_who_accepts_an_event_stream_gets_the_stream_itself() -> None:
    _, client = setting()
    async with client:
        response = await client.post("/turns", json={"input": "Hello"}, headers=STREAM)

    assert (response.status_code, response.content) == (200, b"".join(FRAMES))


async def test_a_stream_resumes_and_ends_with_204() -> None:
    _, client = setting()
    async with client:
        rest = await client.get(f"/turns/{TURN}/events", headers={"Last-Event-ID": f"{TURN}:1"})
        over = await client.get(f"/turns/{TURN}/events?lastEventId={TURN}:{len(FRAMES) - 1}")
        other = await client.get(
            f"/turns/{TURN}/events", headers={"Last-Event-ID": f"{TURN[:-1]}z:1"}
        )

    assert rest.content == b"".join(FRAMES[2:])
    assert over.status_code == 204
    assert other.status_code == 400


async def test_a_turn_is_shown_and_aborted_as_often_as_asked() -> None:
    turns, client = setting()
    async with client:
        shown = await client.get(f"/turns/{TURN}")
        aborted = [await client.post(f"/turns/{TURN}/abort") for _ in range(2)]

    assert shown.json()["status"] == "running"
    assert [each.status_code for each in aborted] == [200, 200]
    assert turns.aborts == [TURN, TURN]


async def test_regenerating_and_editing_start_new_branches() -> None:
    turns, client = setting()
    async with client:
        again = await client.post(f"/turns/{TURN}/regenerate")
        edited = await client.post(f"/messages/msg_{TURN}_in/edit", json={"input": "Ho"})
        answer = await client.post(f"/messages/msg_{TURN}/edit", json={"input": "Ho"})

    assert [again.status_code, edited.status_code, answer.status_code] == [202, 202, 409]
    assert [(each.text, each.parent_id) for each in turns.asked] == [
        ("", "msg_first_in"),
        ("Ho", ""),
    ]


@pytest.mark.parametrize("path", ["/turns/x", f"/turns/{TURN}0", f"/turns/{TURN[:-1]}z"])
async def test_ids_of_nobody_are_not_found(path: str) -> None:
    _, client = setting()
    async with client:
        for response in (
            await client.get(path),
            await client.get(f"{path}/events"),
            await client.post(f"{path}/abort"),
            await client.post(f"{path}/regenerate"),
        ):
            assert response.status_code == 404
            assert response.json()["code"] == "not_found"
