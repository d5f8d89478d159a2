"""What the board does when readers go away, by `on_disconnect`."""

from __future__ import annotations

import asyncio

import pytest

from talkwire.canon.deltas import Text
from talkwire.canon.events import TurnAborted, TurnCompleted
from talkwire.engine.policy import Policy
from tests.engine.fakes import (
    OWNER,
    ScriptedModel,
    World,
    drained,
    says,
    steps,
    until,
)


def held_back() -> tuple[World, asyncio.Event]:
    """A world whose model says a little and goes on when told."""
    go_on = asyncio.Event()
    return World(ScriptedModel([[Text("Hel")], go_on, *says("lo")])), go_on


async def test_a_client_that_goes_away_changes_nothing_by_default() -> None:
    world, go_on = held_back()
    world.turns._board._policy = Policy(disconnect_grace_s=0)
    turn_id = await world.ask()
    (await world.turns.read(OWNER, turn_id)).close()
    await until(lambda: world.model.yielded)
    await steps(20)
    go_on.set()

    assert (await world.events(turn_id))[-1].event == TurnCompleted("stop")


async def test_a_turn_that_is_told_to_ends_when_its_readers_have_left() -> None:
    world, _ = held_back()
    world.turns._board._policy = Policy(disconnect_grace_s=0.001)
    turn_id = await world.ask(on_disconnect="abort")
    one, two = [await world.turns.read(OWNER, turn_id) for _ in range(2)]
    await until(lambda: world.model.yielded)
    one.close()
    await asyncio.sleep(0.005)  # longer than the grace: one reader is enough
    assert not world.records.turns[turn_id].ended

    two.close()
    await until(lambda: world.records.turns[turn_id].ended)
    assert (await world.events(turn_id))[-1].event == TurnAborted("disconnect")


async def test_a_reader_that_comes_back_in_time_keeps_the_turn() -> None:
    world, go_on = held_back()
    world.turns._board._policy = Policy(disconnect_grace_s=0.01)
    turn_id = await world.ask(on_disconnect="abort")
    (await world.turns.read(OWNER, turn_id)).close()
    reader = await world.turns.read(OWNER, turn_id)
    await asyncio.sleep(0.02)  # longer than the grace
    go_on.set()

    assert (await drained(reader))[-1].event == TurnCompleted("stop")


async def test_each_absence_has_the_whole_grace() -> None:
    world, go_on = held_back()
    world.turns._board._policy = Policy(disconnect_grace_s=60)
    turn_id = await world.ask(on_disconnect="abort")
    (await world.turns.read(OWNER, turn_id)).close()
    first = world.live(turn_id).alone
    (await world.turns.read(OWNER, turn_id)).close()
    second = world.live(turn_id).alone

    assert first is not None
    assert second is not None
    assert first.cancelled()
    assert not second.cancelled()
    live = world.live(turn_id)
    go_on.set()
    await until(live.over.is_set)
    assert second.cancelled()


async def test_a_turn_that_nobody_ever_reads_ends_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("talkwire.engine.board._FIRST_READER_S", 0.001)
    world, _ = held_back()
    world.turns._board._policy = Policy(disconnect_grace_s=0.001)
    turn_id = await world.ask(on_disconnect="abort")

    await until(lambda: world.records.turns[turn_id].ended)
    assert world.records.turns[turn_id].status == "aborted"
