"""Answers that are not streamed."""

from __future__ import annotations

import asyncio

import pytest
from starlette.requests import Request

from talkwire.canon.errors import Draining
from talkwire.canon.events import TurnFailed
from talkwire.canon.fold import TurnState
from talkwire.web.form import StreamLimits
from talkwire.web.limits import ClientLeft
from talkwire.web.start import Door
from talkwire.web.whole import failure, whole
from talkwire.wires.native.routes import FORM
from tests.cases.turns import CASES, TURN
from tests.e2e.waiting import until
from tests.web.wire import Client, OneTurn, scope

PLAIN = CASES["plain"]


def following(turns: OneTurn, client: Client) -> asyncio.Task[TurnState]:
    request = Request(scope(method="POST"), client.receive)
    door = Door(turns, FORM, StreamLimits())
    return asyncio.create_task(whole(door, request, TURN))


async def until_read(turns: OneTurn) -> None:
    await until(lambda: bool(turns.log.readers))


@pytest.mark.parametrize("case", CASES)
async def test_it_is_the_fold_of_the_stream(case: str) -> None:
    turns = OneTurn(CASES[case])

    state = await following(turns, Client())

    assert state.terminal == CASES[case][-1].event
    assert not turns.log.readers


async def test_it_comes_when_the_turn_has_ended() -> None:
    turns = OneTurn(PLAIN)
    turns.log.held = 2
    answer = following(turns, Client())
    await until_read(turns)

    turns.log.show(4)
    done, _ = await asyncio.wait([answer], timeout=0.01)
    assert not done
    turns.log.show(len(PLAIN))

    assert (await answer).text == "Hello, world."
    assert not turns.log.readers


async def test_a_client_that_leaves_is_waited_for_no_longer() -> None:
    turns, client = OneTurn(PLAIN), Client()
    turns.log.held = 2
    answer = following(turns, client)
    await until_read(turns)

    client.left.set()

    with pytest.raises(ClientLeft):
        await answer
    assert not turns.log.readers


async def test_a_turn_that_can_be_followed_no_longer_is_to_be_asked_for_again() -> None:
    turns = OneTurn(PLAIN)
    turns.log.held = 2
    answer = following(turns, Client())
    await until_read(turns)

    turns.log.cut()

    with pytest.raises(Draining):
        await answer
    assert not turns.log.readers


@pytest.mark.parametrize(
    ("code", "status", "retryable"),
    [
        ("upstream_timeout", 504, True),
        ("upstream_rate_limited", 429, True),
        ("worker_lost", 503, True),
        ("upstream_auth", 502, False),
        ("unavailable", 503, True),
        ("never_heard_of", 500, False),
    ],
)
def test_a_failed_turn_has_the_status_of_its_code(code: str, status: int, retryable: bool) -> None:
    error = failure(TurnFailed(code, "Why.", retryable=retryable))

    assert (error.message, error.code, error.status) == ("Why.", code, status)
    assert error.retryable is retryable
