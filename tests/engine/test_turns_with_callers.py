"""Turns that brought something of their own: a model for one turn, or their whole context."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec import structs

from talkwire.canon.errors import IdempotencyMismatch, NotFound
from talkwire.canon.events import TurnFailed, TurnStarted
from talkwire.canon.records import Idempotency
from talkwire.canon.turn import TurnRequest, text_message
from talkwire.engine.policy import Policy
from tests.engine.fakes import OWNER, ScriptedModel, World, asking, drained, says, until

CONTEXT = (text_message("", "system", "Be brief."), text_message("", "user", "Hi"))


def given(text: str = "", *, keep: bool = False) -> TurnRequest:
    request = asking(text) if text else structs.replace(asking(), parts=())
    return structs.replace(request, context=CONTEXT, keep=keep)


async def end_of(world: World, turn_id: str) -> Any:
    reader = await world.turns.read(OWNER, turn_id)
    return (await drained(reader))[-1].event


async def test_a_callers_model_is_closed_with_its_turn() -> None:
    gate = asyncio.Event()
    world = World(ScriptedModel([gate, *says("Hello")]))
    started = await world.turns.start(OWNER, asking(), caller=object())
    await until(lambda: world.model.requests)
    assert world.model.given_back == 0

    gate.set()
    await world.kinds(started.record.turn_id)

    await until(lambda: world.model.given_back == 1)
    event = started.events[0].event
    assert isinstance(event, TurnStarted)
    assert event.request.with_caller


async def test_a_callers_model_is_closed_where_no_turn_begins_with_it() -> None:
    world = World()
    key = Idempotency("k", "f", 60)
    for _ in range(2):
        await world.turns.start(OWNER, asking(), idempotency=key, caller=object())
    other = Idempotency("k", "other", 60)
    with pytest.raises(IdempotencyMismatch):
        await world.turns.start(OWNER, asking(), idempotency=other, caller=object())

    await until(lambda: world.model.given_back == 3)


async def test_a_model_of_ours_is_never_closed_by_a_turn() -> None:
    world = World()
    request = structs.replace(asking(), with_caller=True)  # as of another turn, asked again
    started = await world.turns.start(OWNER, request)
    await world.kinds(started.record.turn_id)

    assert world.model.given_back == 0
    assert not (await world.turns.request(OWNER, started.record.turn_id)).with_caller


@pytest.mark.parametrize("said", [False, True])
async def test_a_turn_with_a_caller_is_ended_and_not_carried_on(said: bool) -> None:
    act: list[Any] = [*says("Half")[:1], asyncio.Event()] if said else [asyncio.Event()]
    world = World(ScriptedModel(act), prefill=True)
    started = await world.turns.start(OWNER, asking(), caller=object())
    turn_id = started.record.turn_id
    await until(lambda: len(world.records.events[turn_id]) > 2 or not said)
    await until(lambda: world.model.requests)
    await world.turns.drain(0)

    other = World(ScriptedModel(says("Anew")), records=world.records, prefill=True)
    assert await other.turns.adopt() == 1

    end = await end_of(other, turn_id)
    assert isinstance(end, TurnFailed)
    assert (end.code, end.retryable) == ("worker_lost", True)
    assert other.model.requests == []
    message = other.records.messages[f"msg_{turn_id}"].message
    assert (message.text, message.incomplete) == ("Half" if said else "", True)


async def test_a_given_context_is_all_that_the_model_hears() -> None:
    world = World()
    await world.kinds(await world.ask("Before"))
    started = await world.turns.start(OWNER, given())
    await world.kinds(started.record.turn_id)

    request = world.model.requests[-1]
    assert request.messages == CONTEXT
    assert request.instructions == ""


@pytest.mark.parametrize("keep", [False, True])
async def test_a_given_context_outlives_the_process(keep: bool) -> None:
    world = World(ScriptedModel([*says("Half")[:1], asyncio.Event()]), prefill=True)
    started = await world.turns.start(OWNER, given("Hi" if keep else "", keep=keep))
    turn_id = started.record.turn_id
    await until(lambda: len(world.records.events[turn_id]) > 2)
    await world.turns.drain(0)

    other = World(ScriptedModel(says(" and half")), records=world.records, prefill=True)
    await other.turns.adopt()
    await other.kinds(turn_id)

    (request,) = other.model.requests
    assert (request.messages, request.partial) == (CONTEXT, "Half")
    assert (f"msg_{turn_id}" in world.records.messages) is keep


async def test_nothing_of_a_turn_that_is_not_kept_becomes_a_message() -> None:
    world = World()
    first = await world.ask("Before")
    await world.kinds(first)
    started = await world.turns.start(OWNER, given())
    await world.kinds(started.record.turn_id)

    assert set(world.records.leaves.values()) == {f"msg_{first}"}
    with pytest.raises(NotFound):
        await world.records.message(OWNER, f"msg_{started.record.turn_id}")
    assert world.records.turns[started.record.turn_id].status == "completed"


async def test_a_turn_that_is_not_kept_waits_for_none_and_none_for_it() -> None:
    gate = asyncio.Event()
    world = World(
        ScriptedModel([gate, *says("one")], [gate, *says("two")], says("three")),
        policy=Policy(on_busy="reject"),
    )
    apart = await world.turns.start(OWNER, given())
    kept = await world.turns.start(OWNER, asking())
    beside = await world.turns.start(OWNER, given())

    await world.kinds(beside.record.turn_id)
    gate.set()
    for started in (apart, kept):
        await world.kinds(started.record.turn_id)
    assert [r.status for r in world.records.turns.values()] == ["completed"] * 3


async def test_with_a_context_that_is_kept_the_question_and_the_answer_are() -> None:
    world = World()
    first = await world.ask("Before")
    await world.kinds(first)
    started = await world.turns.start(OWNER, given("Hi", keep=True))
    turn_id = started.record.turn_id
    await world.kinds(turn_id)

    assert world.model.requests[-1].messages == CONTEXT
    asked = await world.records.message(OWNER, f"msg_{turn_id}_in")
    answer = await world.records.message(OWNER, f"msg_{turn_id}")
    assert (asked.message.text, asked.parent_id) == ("Hi", f"msg_{first}")
    assert answer.parent_id == f"msg_{turn_id}_in"


async def test_the_turns_under_way_of_a_session_are_named() -> None:
    gate = asyncio.Event()
    world = World(ScriptedModel([gate, *says("one")]))
    ids = [(await world.turns.start(OWNER, asking())).record.turn_id for _ in range(2)]
    session = asking().session_id

    assert await world.turns.under_way(OWNER, session) == ids
    assert await world.turns.under_way("bob", session) == []
    gate.set()
    for turn_id in ids:
        await world.kinds(turn_id)
    assert await world.turns.under_way(OWNER, session) == []
