"""Streams whose head is held back until it is known how they begin."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from starlette.requests import Request
from starlette.responses import Response

from talkwire.canon.errors import Draining
from talkwire.engine.reader import Log
from talkwire.web import holding
from talkwire.web.form import Form, StreamLimits
from talkwire.web.limits import ClientLeft
from talkwire.web.sse import EventStream
from talkwire.web.start import Door
from talkwire.wires.routed_chat.routes import FORM
from talkwire.wires.routed_chat.told import STREAM
from tests.cases.turns import BUILDERS, CASES, SESSION, TURN, stamp
from tests.e2e.waiting import until
from tests.web.wire import Client, OneTurn, scope

PLAIN = CASES["plain"]
FAILING = [name for name in CASES if CASES[name][-1].event.__class__.__name__ == "TurnFailed"]
SILENT = {"failed_before_text", "failed_before_route", "fell_over_and_failed", "scene_undecided"}


def beginning(
    turns: OneTurn, client: Client, *, wait_s: float = 5, form: Form = FORM
) -> asyncio.Task[Response]:
    request = Request(scope(STREAM, "POST"), client.receive)
    door = Door(turns, form, StreamLimits(heartbeat_s=wait_s))
    door.enter(request, "chat")
    return asyncio.create_task(holding.follow(door, request, TURN))


def held(case: str, until_event: int) -> OneTurn:
    """A turn of which so many events are shown."""
    turns = OneTurn(CASES[case])
    turns.log.held = until_event
    return turns


async def sent(response: Response) -> Client:
    client = Client()
    async with asyncio.timeout(5):
        await response(scope(), client.receive, client.send)
    return client


def whole(case: str) -> bytes:
    return b"".join(FORM.encoder(TURN, SESSION).feed(CASES[case]))


async def waits_for(turns: OneTurn, answer: asyncio.Task[Response]) -> None:
    """It follows the turn, and does not answer yet."""
    await until(lambda: bool(turns.log.readers))
    done, _ = await asyncio.wait([answer], timeout=0.02)
    assert not done


@pytest.mark.parametrize("case", [name for name in CASES if name not in SILENT])
async def test_what_begins_with_a_frame_is_the_stream_as_ever(case: str) -> None:
    turns = OneTurn(CASES[case])

    response = await beginning(turns, Client())

    assert isinstance(response, EventStream)
    client = await sent(response)
    assert client.complete
    assert client.body == whole(case)
    assert not turns.log.readers


@pytest.mark.parametrize("case", sorted(SILENT))
async def test_a_failure_before_any_frame_is_an_error_with_its_own_status(case: str) -> None:
    turns = OneTurn(CASES[case])

    response = await beginning(turns, Client())

    end = CASES[case][-1].event
    assert response.status_code == (503 if case == "failed_before_route" else 502)
    frame = bytes(response.body)
    assert frame.startswith(b'data: {"error":')
    assert frame.endswith(b"}\n\n")
    assert json.loads(frame[6:])["code"] == getattr(end, "code", None)
    assert response.headers["x-turn-id"] == TURN
    assert response.headers["x-session-id"] == SESSION
    assert not turns.log.readers


def test_all_that_fail_silently_are_tried() -> None:
    assert set(FAILING) >= SILENT
    assert all(b'"content": "' in whole(name) for name in set(FAILING) - SILENT)


async def test_the_head_is_held_until_the_first_text() -> None:
    turns = held("plain", 2)
    answer = beginning(turns, Client())
    await waits_for(turns, answer)

    turns.log.show(3)
    response = await answer
    turns.log.show(len(PLAIN))

    assert (await sent(response)).body == whole("plain")


async def test_after_a_silence_it_is_a_stream_and_a_failure_comes_in_it() -> None:
    turns = held("failed_before_text", 2)

    response = await beginning(turns, Client(), wait_s=0.02)
    assert response.status_code == 200
    turns.log.show(len(CASES["failed_before_text"]))

    client = await sent(response)
    assert client.body == b": heartbeat\n\n" + whole("failed_before_text")


async def test_a_wire_without_heartbeats_begins_with_nothing_then() -> None:
    turns = held("plain", 2)
    form = replace(FORM, heartbeat=None)

    response = await beginning(turns, Client(), wait_s=0.02, form=form)
    turns.log.show(len(PLAIN))

    assert (await sent(response)).body == whole("plain")


async def test_a_client_that_leaves_frees_its_reader() -> None:
    turns, client = held("plain", 2), Client()
    answer = beginning(turns, client)
    await waits_for(turns, answer)

    client.left.set()

    with pytest.raises(ClientLeft):
        await answer
    assert not turns.log.readers


async def test_a_turn_that_can_be_followed_no_longer_is_to_be_asked_for_again() -> None:
    turns = held("plain", 2)
    answer = beginning(turns, Client())
    await waits_for(turns, answer)

    turns.log.cut()

    with pytest.raises(Draining):
        await answer
    assert not turns.log.readers


async def test_nothing_goes_on_once_it_has_answered() -> None:
    before = asyncio.all_tasks()

    await (await beginning(OneTurn(PLAIN), Client()))(scope(), Client().receive, Client().send)

    await until(lambda: asyncio.all_tasks() == before)


async def test_text_and_failure_that_come_at_once_are_a_stream() -> None:
    turns = OneTurn()
    turns.log = Log(stamp(BUILDERS["failed_midway"]()))

    response = await beginning(turns, Client())

    assert (await sent(response)).body == whole("failed_midway")
