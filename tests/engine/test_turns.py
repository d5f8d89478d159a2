"""Many turns of one process: starting, reading, stopping, waiting for each other."""

from __future__ import annotations

import asyncio

import pytest

from talkwire.canon.deltas import Text
from talkwire.canon.errors import (
    Fenced,
    Gone,
    NotFound,
)
from talkwire.canon.events import TERMINAL, AnyEvent, TurnAborted, TurnCompleted, TurnStarted
from talkwire.canon.fold import TurnState
from talkwire.canon.records import TurnRecord
from talkwire.engine.policy import Policy
from tests.engine.fakes import (
    LIMIT_S,
    OWNER,
    ScriptedModel,
    World,
    asking,
    cut,
    says,
    steps,
    until,
)


def held_back() -> tuple[World, asyncio.Event]:
    """A world whose model says a little and goes on when told."""
    go_on = asyncio.Event()
    return World(ScriptedModel([[Text("Hel")], go_on, *says("lo")])), go_on


async def test_all_readers_see_the_same_turn_whenever_they_come() -> None:
    world, go_on = held_back()
    turn_id = await world.ask()
    reading = [asyncio.create_task(world.events(turn_id)) for _ in range(3)]
    await until(lambda: world.model.yielded)
    late = asyncio.create_task(world.events(turn_id))
    await steps(3)
    go_on.set()

    first, *others = await asyncio.gather(*reading, late)
    assert all(other == first for other in others)
    assert await world.events(turn_id) == first
    assert [stamped.n for stamped in first] == list(range(len(first)))


async def test_a_turn_that_memory_has_forgotten_is_read_from_the_journal() -> None:
    world = World(policy=Policy(keep_ended=1))
    first, second = await world.ask(session="s_1"), await world.ask(session="s_2")
    events = await world.events(first)
    await world.events(second)
    await until(lambda: len(world.turns._board) == 1)

    assert await world.events(first) == events


async def test_a_turn_whose_events_are_deleted_is_gone() -> None:
    world = World(policy=Policy(keep_ended=0))
    turn_id = await world.ask()
    await world.events(turn_id)
    await until(lambda: not world.turns._board)
    world.records.events[turn_id] = []

    with pytest.raises(Gone):
        await world.turns.read(OWNER, turn_id)
    with pytest.raises(Gone):
        await world.turns.request(OWNER, turn_id)


@pytest.mark.parametrize("live", [True, False])
async def test_what_belongs_to_another_is_not_there(live: bool) -> None:
    world = World(policy=Policy(keep_ended=0))
    if live:
        world.journal.finish_gate = asyncio.Event()
    turn_id = await world.ask()
    await until(lambda: world.journal.finishes if live else not world.turns._board)

    for ask in (world.turns.read, world.turns.record, world.turns.request, world.turns.abort):
        with pytest.raises(NotFound):
            await ask("mallory", turn_id)
    with pytest.raises(NotFound):
        await world.turns.message("mallory", f"msg_{turn_id}_in")
    assert (await world.turns.message(OWNER, f"msg_{turn_id}_in")).message.text == "Hi"
    if world.journal.finish_gate is not None:
        world.journal.finish_gate.set()
        await world.events(turn_id)
    assert (await world.turns.record(OWNER, turn_id)).status == "completed"
    assert await world.turns.request(OWNER, turn_id) == asking()


@pytest.mark.parametrize("after", range(40))
async def test_of_abort_and_completion_exactly_one_wins(after: int) -> None:
    """The abort comes after any number of the loop's rounds, from before the first on."""
    world = World(ScriptedModel(says("a", "b", "c")))
    turn_id = await world.ask()
    reading = asyncio.create_task(world.events(turn_id))
    await steps(after)
    async with asyncio.timeout(LIMIT_S):
        record = await world.turns.abort(OWNER, turn_id)
        again = await world.turns.abort(OWNER, turn_id, "somebody else")
    events = await reading

    assert record == again
    assert sum(isinstance(stamped.event, TERMINAL) for stamped in events) == 1
    end = events[-1].event
    assert end in (TurnAborted("client"), TurnCompleted("stop"))
    assert record.status == ("aborted" if isinstance(end, TurnAborted) else "completed")
    assert events == list(world.records.outcomes[turn_id].log)
    assert world.model.closed == len(world.model.requests)
    assert world.journal.tails == {}


async def test_an_abort_wins_before_the_first_step_and_loses_after_the_last() -> None:
    world = World()
    aborts: list[asyncio.Task[TurnRecord]] = []

    def abort(state: TurnState, event: AnyEvent) -> None:
        if isinstance(event, TurnStarted):  # the turn's own task is made after this one
            aborts.append(asyncio.create_task(world.turns.abort(OWNER, state.turn_id)))

    world.watch = abort
    early = await world.ask(session="s_1")
    assert (await aborts[0]).status == "aborted"
    assert (await world.events(early))[-1].event == TurnAborted("client")
    assert world.model.requests == []

    world.watch = lambda state, event: None
    late = await world.ask(session="s_2")
    await world.events(late)
    assert (await world.turns.abort(OWNER, late)).status == "completed"


async def test_a_waiting_turn_can_be_aborted_and_the_one_behind_it_moves_up() -> None:
    world, go_on = held_back()
    one, two, three = [await world.ask(text) for text in ("one", "two", "three")]
    await until(lambda: world.model.yielded)

    assert (await world.turns.abort(OWNER, two)).status == "aborted"
    assert world.records.turns[one].status == "running"
    go_on.set()
    assert (await world.events(three))[-1].event == TurnCompleted("stop")
    assert [request.messages[-1].text for request in world.model.requests] == ["one", "three"]


async def test_the_first_who_aborts_is_named() -> None:
    world, _ = held_back()
    turn_id = await world.ask()
    await until(lambda: world.model.yielded)
    both = [asyncio.create_task(world.turns.abort(OWNER, turn_id, by)) for by in ("one", "two")]
    await asyncio.gather(*both)

    assert (await world.events(turn_id))[-1].event == TurnAborted("one")


async def test_an_abort_closes_the_model_before_it_returns() -> None:
    world, _ = held_back()
    turn_id = await world.ask()
    await until(lambda: world.model.yielded)
    await world.turns.abort(OWNER, turn_id)

    assert world.model.closed == 1
    outcome = world.records.outcomes[turn_id]
    assert (outcome.messages[-1].text, outcome.messages[-1].incomplete) == ("Hel", True)


async def test_a_fenced_process_stops_and_tells_nobody_an_end() -> None:
    world, _ = held_back()
    turn_id = await world.ask()
    behind = await world.ask("behind")
    readers = [await world.turns.read(OWNER, turn) for turn in (turn_id, behind)]
    await until(lambda: world.model.yielded)
    world.journal.lose(Fenced("taken over"))

    for reader in readers:
        assert not any(isinstance(s.event, TERMINAL) for s in await cut(reader))
    await until(lambda: world.turns.running == 0)
    assert world.records.outcomes == {}
    assert world.model.closed == 1
    assert len(world.turns._board) == 0
    assert not world.turns.orphaned


async def test_nothing_is_left_behind_by_many_turns() -> None:
    world = World(policy=Policy(keep_ended=3))
    for n in range(10):
        await world.events(await world.ask(session=f"s_{n % 4}"))
    await until(lambda: world.turns.running == 0)

    assert len(world.turns._board) == len(world.turns._board._recent) == 3
    assert (len(world.turns._crew), world.turns._accepting.under_way) == (0, {})
    assert (world.journal.tails, world.journal.pending) == ({}, {})
    assert not any(live.log.readers for live in world.turns._board)


async def test_turns_that_have_not_ended_are_told_and_whether_they_wait() -> None:
    go_on = asyncio.Event()
    world = World(ScriptedModel([[Text("Hel")], go_on, *says("lo")], says("Hi")))
    first = await world.ask()
    second = await world.ask()
    await until(lambda: any(live.waits for live in world.turns.alive()))

    assert {live.turn_id: live.waits for live in world.turns.alive()} == {
        first: False,
        second: True,
    }
    go_on.set()
    await world.events(second)
    await until(lambda: not world.turns.alive())
