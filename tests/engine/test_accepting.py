"""How turns are accepted: once, in order, with bounds."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from talkwire.canon.budgets import Budget
from talkwire.canon.deltas import Text
from talkwire.canon.errors import (
    BudgetExceeded,
    Busy,
    Draining,
    IdempotencyMismatch,
    NotFound,
    StorageUnavailable,
    Unavailable,
)
from talkwire.canon.events import TurnAborted, TurnCompleted
from talkwire.canon.records import Idempotency, NewTurn
from talkwire.engine.budgets import Budgets
from talkwire.engine.policy import Policy
from tests.engine.fakes import (
    OWNER,
    ScriptedModel,
    World,
    asking,
    says,
    steps,
    until,
)
from tests.engine.ledger import FakeLedger
from tests.engine.storage import FakeRecords

KEY = Idempotency("k", "body", 60)


def held_back() -> tuple[World, asyncio.Event]:
    """A world whose model says a little and goes on when told."""
    go_on = asyncio.Event()
    return World(ScriptedModel([[Text("Hel")], go_on, *says("lo")])), go_on


@pytest.mark.parametrize("unknown", [{"model": "unknown"}, {"prompt": "unknown"}])
async def test_what_cannot_be_planned_is_not_stored(unknown: dict[str, str]) -> None:
    world = World()

    with pytest.raises(NotFound):
        await world.ask(**unknown)
    assert world.records.turns == {}


async def test_a_key_names_one_turn() -> None:
    world = World()
    first = await world.turns.start(OWNER, asking(), idempotency=KEY)
    again = await world.turns.start(OWNER, asking(), idempotency=KEY)

    assert (first.fresh, again.fresh) == (True, False)
    assert again.record.turn_id == first.record.turn_id
    await world.events(first.record.turn_id)
    assert len(world.model.requests) == 1
    with pytest.raises(IdempotencyMismatch):
        await world.turns.start(OWNER, asking(), idempotency=Idempotency("k", "other", 60))


async def test_a_key_names_its_turn_also_when_that_has_used_the_budget_up() -> None:
    records = FakeRecords()
    one = Budgets(FakeLedger(records), {OWNER: Budget(day=20)})
    world = World(ScriptedModel(says(*["word "] * 50)), records=records, budgets=one)
    first = await world.turns.start(OWNER, asking(), idempotency=KEY)
    await world.events(first.record.turn_id)
    await until(lambda: not world.turns.running)

    again = await world.turns.start(OWNER, asking(), idempotency=KEY)

    assert (again.fresh, again.record.turn_id) == (False, first.record.turn_id)
    for other in (None, Idempotency("other", "body", 60)):
        with pytest.raises(BudgetExceeded):
            await world.turns.start(OWNER, asking(), idempotency=other)
    with pytest.raises(IdempotencyMismatch):
        await world.turns.start(OWNER, asking(), idempotency=Idempotency("k", "other", 60))


async def test_a_caller_that_leaves_while_its_turn_is_stored_stops_nothing() -> None:
    world = World()
    world.records.after_start["Hi"] = asyncio.Event()
    asked = asyncio.create_task(world.ask())
    await until(lambda: world.records.turns)
    asked.cancel()
    with suppress(asyncio.CancelledError):
        await asked
    world.records.after_start["Hi"].set()

    [turn_id] = world.records.turns
    await until(lambda: world.records.turns[turn_id].ended)
    assert world.turns._accepting.under_way == {}


async def test_only_so_many_turns_run_at_once() -> None:
    go_on = asyncio.Event()
    world = World(ScriptedModel([go_on, *says("ok")]), policy=Policy(max_running=2))
    turns = [await world.ask(session=f"s_{n}") for n in range(2)]

    with pytest.raises(Unavailable):
        await world.ask(session="s_3")
    go_on.set()
    for turn_id in turns:
        await world.events(turn_id)
    await until(lambda: world.turns.running == 0)
    await world.events(await world.ask(session="s_3"))


async def test_turns_of_a_session_wait_for_each_other_in_order() -> None:
    world, go_on = held_back()
    turns = [await world.ask(str(n)) for n in range(4)]
    await until(lambda: world.model.yielded)
    await steps(20)
    assert [world.records.turns[turn].status for turn in turns] == ["running", *["queued"] * 3]
    with pytest.raises(Busy) as busy:
        await world.ask("4")
    assert busy.value.turn_id == turns[0]
    go_on.set()
    for turn_id in turns:
        await world.events(turn_id)

    assert [request.messages[-1].text for request in world.model.requests] == list("0123")
    assert [m.text for m in world.model.requests[3].messages] == [
        "0",
        "Hello",
        "1",
        "Hello",
        "2",
        "Hello",
        "3",
    ]
    assert world.records.begun == turns[1:]


async def test_order_holds_though_the_store_answers_out_of_order() -> None:
    world, go_on = held_back()
    go_on.set()
    world.records.after_start["one"] = asyncio.Event()
    one = asyncio.create_task(world.ask("one"))
    await until(lambda: world.records.turns)
    two = asyncio.create_task(world.ask("two"))
    await steps(20)
    assert world.model.requests == []
    world.records.after_start["one"].set()

    for asked in (one, two):
        await world.events(await asked)
    assert [request.messages[-1].text for request in world.model.requests] == ["one", "two"]


async def test_sessions_do_not_wait_for_each_other() -> None:
    world, go_on = held_back()
    one = await world.ask(session="s_1")
    await until(lambda: world.model.yielded)
    two = await world.ask(session="s_2")
    await until(lambda: len(world.model.requests) == 2)
    go_on.set()
    for turn_id in (one, two):
        await world.events(turn_id)


async def test_a_busy_session_may_reject() -> None:
    world, go_on = held_back()
    first = await world.ask()

    with pytest.raises(Busy):
        await world.ask(on_busy="reject")
    go_on.set()
    await world.events(first)
    await world.events(await world.ask(on_busy="reject"))


async def test_an_interrupt_stops_all_that_is_ahead() -> None:
    world, go_on = held_back()
    ahead = [await world.ask("one"), await world.ask("two")]
    await until(lambda: world.model.yielded)
    last = await world.ask("now", on_busy="interrupt")
    go_on.set()

    for turn_id in ahead:
        assert (await world.events(turn_id))[-1].event == TurnAborted("interrupt")
    assert (await world.events(last))[-1].event == TurnCompleted("stop")
    assert [message.text for message in world.model.requests[-1].messages] == [
        "one",
        "Hel",
        "two",
        "now",
    ]


async def test_storage_that_fails_at_the_start_stores_nothing_or_is_looked_after() -> None:
    world = World()

    def away(new: NewTurn) -> None:
        raise StorageUnavailable("away")

    world.records.before_start = away
    with pytest.raises(StorageUnavailable):
        await world.ask()
    assert world.turns.orphaned
    assert len(world.turns._crew) == 0


async def test_a_draining_server_starts_nothing() -> None:
    world = World()
    await world.turns.drain(0)

    with pytest.raises(Draining):
        await world.ask()
