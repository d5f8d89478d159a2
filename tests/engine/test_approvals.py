"""Calls that wait for a person: the turn ends, and the decision is the next turn."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec import structs

from talkwire.canon.errors import AlreadyDecided, Conflict, Gone, NotFound, TalkwireError
from talkwire.canon.events import (
    Stamped,
    ToolApprovalRequested,
    ToolCalled,
    ToolFinished,
    TurnAborted,
    TurnCompleted,
)
from talkwire.canon.records import Idempotency, Started
from talkwire.canon.tools import Tool
from talkwire.canon.turn import Message
from talkwire.engine.approvals import Approvals
from talkwire.engine.ids import is_call_id
from talkwire.engine.policy import Policy
from tests.engine.fakes import OWNER, ScriptedModel, World, asking, says, steps, until
from tests.engine.household import (
    SELL,
    calls,
    decided,
    household,
    is_sound,
    results,
    told,
    waiting,
)

WAITS = TurnCompleted("approval_required")


async def test_the_turn_ends_where_a_person_is_asked_and_nothing_has_run() -> None:
    world, tools = household(calls(SELL, text="I will sell it."))
    events = await told(world, await world.ask())

    called, asked, end = events[-3:]
    assert isinstance(called, ToolCalled)
    assert isinstance(asked, ToolApprovalRequested)
    assert (asked.name, asked.arguments) == SELL
    assert asked.call_id == called.call_id
    assert end == WAITS
    assert tools.ran == []
    assert is_call_id(asked.call_id)


async def test_the_question_is_not_seen_before_it_can_be_answered() -> None:
    world, _ = household(calls(SELL), says("ok"))
    world.journal.finish_gate = asyncio.Event()
    turn_id = await world.ask()
    await until(lambda: world.journal.finishes)
    reader = await world.turns.read(OWNER, turn_id)

    assert waiting([stamped.event for stamped in reader.ready()]) == []
    reader.close()
    world.journal.finish_gate.set()
    (call_id,) = waiting(await told(world, turn_id))
    assert (await world.turns.decide(OWNER, call_id, approve=True)).fresh


async def test_an_approved_call_runs_as_it_was_asked_and_the_model_goes_on() -> None:
    world, tools = household(calls(SELL, text="I will."), says("sold"))
    (call_id,) = waiting(await told(world, await world.ask("Sell my car")))

    events = await decided(world, call_id)

    assert [type(event).__name__ for event in events[:4]] == [
        "TurnStarted",
        "RouteChosen",
        "ToolCalled",
        "ToolFinished",
    ]
    assert events[3] == ToolFinished(call_id, "sell done")
    assert events[-1] == TurnCompleted("stop")
    assert tools.ran == [("sell", {"what": "car"})]
    given = world.model.requests[-1].messages
    assert [(m.role, m.text) for m in given] == [
        ("user", "Sell my car"),
        ("assistant", "I will."),
        ("tool", "sell done"),
    ]
    assert is_sound(given)


async def test_another_answer_to_a_decision_is_one_to_the_question() -> None:
    world, _ = household(calls(SELL), calls(SELL), says("both"), says("other"))
    first = await world.ask("Sell my car")
    (one,) = waiting(await told(world, first))
    (two,) = waiting(await decided(world, one))
    started = await world.turns.decide(OWNER, two, approve=True)

    request = await world.turns.request(OWNER, started.record.turn_id)
    assert (request.parts, request.parent_id) == ((), f"msg_{first}_in")


async def test_a_refused_call_does_not_run_and_the_model_hears_why() -> None:
    world, tools = household(calls(SELL), says("fine"))
    (call_id,) = waiting(await told(world, await world.ask()))

    events = await decided(world, call_id, False, reason="I need it.")

    (result,) = results(events)
    assert result.is_error
    assert "refused" in result.result
    assert "I need it." in result.result
    assert tools.ran == []
    assert events[-1] == TurnCompleted("stop")
    assert world.model.requests[-1].messages[-1].text == result.result


async def test_of_many_decisions_at_once_exactly_one_is_taken() -> None:
    world, tools = household(calls(SELL), says("sold"))
    (call_id,) = waiting(await told(world, await world.ask()))

    tries = [world.turns.decide(OWNER, call_id, approve=n % 2 == 0) for n in range(50)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)

    taken = [each for each in outcomes if isinstance(each, Started)]
    others = [each for each in outcomes if isinstance(each, AlreadyDecided)]
    assert (len(taken), len(others)) == (1, 49)
    assert {error.turn_id for error in others} == {taken[0].record.turn_id}
    await world.events(taken[0].record.turn_id)
    assert len(tools.ran) == 1


async def test_the_same_key_gives_the_same_turn() -> None:
    world, tools = household(calls(SELL), says("sold"))
    (call_id,) = waiting(await told(world, await world.ask()))
    key = Idempotency("k", "f", 60)

    started = [
        await world.turns.decide(OWNER, call_id, approve=True, idempotency=key) for _ in range(3)
    ]

    assert [each.fresh for each in started] == [True, False, False]
    await world.events(started[0].record.turn_id)
    assert len(tools.ran) == 1


@pytest.mark.parametrize("owner", ["mallory", OWNER])
async def test_a_call_of_somebody_else_and_one_that_is_not_there_are_alike(owner: str) -> None:
    world, tools = household(calls(SELL))
    (call_id,) = waiting(await told(world, await world.ask()))
    forged = call_id if owner == "mallory" else "forged"

    with pytest.raises(NotFound):
        await world.turns.decide(owner, forged, approve=True)
    assert tools.ran == []


async def test_after_its_time_a_call_cannot_be_decided_and_the_session_goes_on() -> None:
    world, tools = household(calls(SELL), says("hello"))
    (call_id,) = waiting(await told(world, await world.ask()))
    known = world.records.approvals.known
    known[OWNER, call_id] = structs.replace(known[OWNER, call_id], expires_at=1)

    with pytest.raises(Gone) as refused:
        await world.turns.decide(OWNER, call_id, approve=True)

    assert refused.value.code == "approval_expired"
    assert (await told(world, await world.ask("Hello?")))[-1] == TurnCompleted("stop")
    assert tools.ran == []


async def test_what_is_asked_instead_supersedes_the_call_and_the_model_hears_of_it() -> None:
    world, tools = household(calls(SELL), says("hello"))
    (call_id,) = waiting(await told(world, await world.ask()))
    assert (await told(world, await world.ask("Forget it")))[-1] == TurnCompleted("stop")

    with pytest.raises(Conflict) as refused:
        await world.turns.decide(OWNER, call_id, approve=True)

    assert refused.value.code == "approval_superseded"
    given = world.model.requests[-1].messages
    assert is_sound(given)
    assert "not run" in given[2].text
    assert tools.ran == []


async def test_what_waited_behind_the_question_supersedes_it_too() -> None:
    go_on = asyncio.Event()
    world, tools = household([go_on, *calls(SELL)], says("hello"))
    asking_turn = await world.ask()
    behind = await world.ask("And then?")
    go_on.set()
    (call_id,) = waiting(await told(world, asking_turn))

    with pytest.raises(Conflict):
        await world.turns.decide(OWNER, call_id, approve=True)
    assert (await told(world, behind))[-1] == TurnCompleted("stop")
    assert is_sound(world.model.requests[-1].messages)
    assert tools.ran == []


async def test_another_answer_to_an_older_message_leaves_the_question_behind() -> None:
    world, tools = household(calls(SELL), says("other"), says("next"))
    first = await world.ask("Sell my car")
    (call_id,) = waiting(await told(world, first))
    await told(world, await world.ask("", parent_id=f"msg_{first}_in"))

    with pytest.raises(Conflict):
        await world.turns.decide(OWNER, call_id, approve=True)
    await told(world, await world.ask("And now?"))
    given = world.model.requests[-1].messages
    assert [m.text for m in given] == ["Sell my car", "other", "And now?"]
    assert tools.ran == []


@pytest.mark.parametrize("at_once", [True, False])
async def test_each_of_several_calls_is_decided_by_itself(at_once: bool) -> None:
    other = ("sell", '{"what":"bike"}')
    world, tools = household(calls(SELL, ("look", "{}"), other), says("sold"))
    events = await told(world, await world.ask())
    one, two = waiting(events)
    assert [result.result for result in results(events)] == ["look done"]

    if at_once:
        second, first = [
            (await world.turns.decide(OWNER, each, approve=True)).record.turn_id
            for each in (two, one)
        ]
        begun, ended = await told(world, second), await told(world, first)
    else:
        begun, ended = await decided(world, two), await decided(world, one)

    assert begun[-1] == WAITS
    assert ended[-1] == TurnCompleted("stop")
    assert tools.ran == [("look", {}), ("sell", {"what": "bike"}), ("sell", {"what": "car"})]
    assert len(world.model.requests) == 2
    given = world.model.requests[-1].messages
    assert is_sound(given)
    assert [m.text for m in given[-3:]] == ["sell done", "look done", "sell done"]


async def test_as_many_decisions_may_wait_as_there_were_calls() -> None:
    world, tools = household(calls(*[SELL] * 8), says("sold"), policy=Policy(max_waiting=1))
    asked = waiting(await told(world, await world.ask()))

    tries = [world.turns.decide(OWNER, call_id, approve=True) for call_id in asked]
    started = await asyncio.gather(*tries)

    endings = [(await told(world, each.record.turn_id))[-1] for each in started]
    assert endings == [*[WAITS] * 7, TurnCompleted("stop")]
    assert len(tools.ran) == 8
    assert is_sound(world.model.requests[-1].messages)


async def test_a_decision_that_others_wait_behind_leaves_them_waiting_when_it_is_stopped() -> None:
    world, tools = household(calls(("burn", "{}"), SELL), says("sold"))
    one, two = waiting(await told(world, await world.ask()))
    started = await world.turns.decide(OWNER, one, approve=True)
    await until(lambda: tools.ran)
    await world.turns.abort(OWNER, started.record.turn_id)
    assert (await told(world, started.record.turn_id))[-1] == TurnAborted("client")

    assert (await decided(world, two))[-1] == TurnCompleted("stop")
    given = world.model.requests[-1].messages
    assert is_sound(given)
    assert "interrupted" in given[-2].text


@pytest.mark.parametrize("arguments", ["{}", "[]", "{"])
async def test_nobody_is_asked_about_arguments_that_are_wrong(arguments: str) -> None:
    faults = Approvals(faults=lambda schema, given: None if "what" in given else "what: missing")
    world, tools = household(calls(("sell", arguments)), says("sorry"), approvals=faults)
    events = await told(world, await world.ask())

    assert waiting(events) == []
    assert [result.is_error for result in results(events)] == [True]
    assert events[-1] == TurnCompleted("stop")
    assert tools.ran == []


@pytest.mark.parametrize("more", [{"keep": False}, {"context": (Message("m", "user"),)}])
async def test_where_no_turn_can_follow_nobody_is_asked(more: dict[str, Any]) -> None:
    world, tools = household(calls(SELL), says("sorry"))
    events = await told(world, await world.ask(**more))

    assert waiting(events) == []
    assert "cannot be given here" in results(events)[0].result
    assert tools.ran == []


async def test_ids_that_a_provider_counts_from_0_are_told_apart() -> None:
    world, _ = household(calls(SELL), says("no"), calls(SELL), says("no"))
    (one,) = waiting(await told(world, await world.ask()))
    await decided(world, one, False)
    (two,) = waiting(await told(world, await world.ask()))

    assert one != two
    await decided(world, two, False)
    assert is_sound(world.model.requests[-1].messages)


async def test_a_tool_that_is_gone_by_then_is_told_to_the_model() -> None:
    world, tools = household(calls(SELL), says("oh"))
    (call_id,) = waiting(await told(world, await world.ask()))
    tools.tools = []

    events = await decided(world, call_id)
    assert "no tool 'sell'" in results(events)[0].result
    assert events[-1] == TurnCompleted("stop")


async def test_an_approved_call_may_lead_to_another_question() -> None:
    world, tools = household(calls(SELL), calls(SELL), says("both"))
    (one,) = waiting(await told(world, await world.ask()))
    events = await decided(world, one)
    (two,) = waiting(events)

    assert events[-1] == WAITS
    assert (await decided(world, two))[-1] == TurnCompleted("stop")
    assert len(tools.ran) == 2
    assert is_sound(world.model.requests[-1].messages)


@pytest.mark.parametrize("begun", [True, False])
async def test_another_process_runs_an_approved_call_only_if_it_had_not_begun(begun: bool) -> None:
    world, tools = household(calls(("burn", "{}")), says("well"))
    (call_id,) = waiting(await told(world, await world.ask()))
    if not begun:
        world.records.after_start[""] = asyncio.Event()
    starting = asyncio.create_task(world.turns.decide(OWNER, call_id, approve=True))
    await (until(lambda: tools.ran) if begun else steps(20))
    turn_id = next(turn_id for turn_id, turn in world.records.turns.items() if not turn.ended)
    (starting.cancel() if not begun else None)

    later = World(ScriptedModel(says("well")), records=world.records, tools=tools)
    if not begun:
        tools.tools[2] = Tool("burn", requires_approval=True, timeout_s=0.01)
    assert await later.turns.adopt() == 1
    events = [stamped.event for stamped in await later.events(turn_id)]

    assert len(tools.ran) == 1
    assert ("interrupted" in results(events)[0].result) == begun
    assert events[-1] == TurnCompleted("stop")
    assert is_sound(later.model.requests[-1].messages)
    await world.turns.drain(0)


async def test_another_process_asks_nobody_about_a_call_that_it_finds_open() -> None:
    world, tools = household(calls(SELL))
    turn_id = await world.ask()
    world.journal.finish_gate = asyncio.Event()
    await until(lambda: any(isinstance(e, ToolCalled) for e in world.seen))
    await steps(5)

    later = World(ScriptedModel(says("again?")), records=world.records, tools=tools)
    await later.turns.adopt()
    events = [stamped.event for stamped in await later.events(turn_id)]

    assert [result.is_error for result in results(events)] == [True]
    assert events[-1] == TurnCompleted("stop")
    assert tools.ran == []
    world.turns.give_up(TalkwireError("gone"))


async def test_a_caller_whose_model_it_was_has_to_bring_it_again() -> None:
    world, tools = household(calls(SELL), says("sold"))
    caller = object()
    started = await world.turns.start(OWNER, asking(), caller=caller)
    (call_id,) = waiting(await told(world, started.record.turn_id))

    with pytest.raises(TalkwireError) as refused:
        await world.turns.decide(OWNER, call_id, approve=True)
    assert refused.value.code == "caller_needed"
    assert (await decided(world, call_id, caller=caller))[-1] == TurnCompleted("stop")
    assert len(tools.ran) == 1


def test_soundness_is_what_it_is_called() -> None:
    assert is_sound([Message("m", "user")])
    assert not is_sound([Message("m", "tool", call_id="c")])


def numbers(events: Sequence[Stamped]) -> list[int]:
    return [stamped.n for stamped in events]


async def test_events_that_are_kept_back_have_their_place() -> None:
    world, _ = household(calls(SELL, ("look", "{}")))
    events = await world.events(await world.ask())

    assert numbers(events) == list(range(len(events)))
