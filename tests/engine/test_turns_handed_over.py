"""Turns that outlive their process: drained, adopted, followed from elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from msgspec import structs

from talkwire.canon.deltas import CallPiece, Text
from talkwire.canon.deltas import Finish as DeltaFinish
from talkwire.canon.errors import StorageUnavailable
from talkwire.canon.events import (
    TERMINAL,
    AnyEvent,
    AudioDelta,
    AudioFailed,
    MessageCompleted,
    ReasoningDelta,
    RouteChosen,
    Stamped,
    TextDelta,
    ToolCalled,
    ToolFinished,
    TurnAborted,
    TurnAdopted,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
)
from talkwire.canon.turn import Message, OnLost, TextPart
from talkwire.engine import seal, turns
from talkwire.engine.runner import Limits
from tests.engine.fakes import (
    OWNER,
    Act,
    FakeSpeech,
    ScriptedModel,
    World,
    asking,
    cut,
    drained,
    says,
    steps,
    until,
)
from tests.engine.storage import FakeRecords

ROUTED = RouteChosen("default", "cloud")


async def left_behind(*events: AnyEvent, text: str = "Hi", **more: str) -> tuple[FakeRecords, str]:
    """The storage of a process that died when a turn had these events, and the turn."""
    world = World(ScriptedModel([asyncio.Event()]))
    turn_id = await world.ask(text, **more)
    await until(lambda: world.model.requests)
    await world.turns.drain(0)
    log = world.records.events[turn_id]
    del log[1:]
    log += [Stamped(n, 1, event) for n, event in enumerate(events, 1)]
    return world.records, turn_id


async def adopted(world: World, turn_id: str) -> list[AnyEvent]:
    assert await world.turns.adopt() == 1
    events = [stamped.event for stamped in await world.events(turn_id)]
    assert isinstance(events[-1], TERMINAL)
    assert TurnAdopted("n1", 2) in events
    return events


async def test_a_drain_waits_for_turns_that_end_in_time() -> None:
    go_on = asyncio.Event()
    world = World(ScriptedModel([[Text("Hel")], go_on, *says("lo")]))
    turn_id = await world.ask()
    reader = await world.turns.read(OWNER, turn_id)
    draining = asyncio.create_task(world.turns.drain(10))
    await steps(5)
    assert world.turns.draining
    go_on.set()
    await draining

    assert (await drained(reader))[-1].event == TurnCompleted("stop")


async def test_a_drain_leaves_the_rest_without_an_end_and_cuts_readers() -> None:
    world = World(ScriptedModel([[Text("Hel")], asyncio.Event()]))
    one, two = await world.ask("one"), await world.ask("two")
    readers = [await world.turns.read(OWNER, turn) for turn in (one, two)]
    await until(lambda: world.model.yielded)
    async with asyncio.timeout(2):  # well before what will not stop is given up
        await world.turns.drain(0.001)

    for reader, turn_id in zip(readers, (one, two), strict=True):
        assert await cut(reader) == world.records.events[turn_id]
        assert await cut(await world.turns.read(OWNER, turn_id)) == world.records.events[turn_id]
    assert world.records.outcomes == {}
    assert world.model.closed == 1
    await until(lambda: not world.turns._crew)
    assert (world.turns.running, len(world.turns._board)) == (0, 0)


async def test_a_turn_that_is_stopped_before_its_first_step_is_left_too() -> None:
    world = World()
    world.watch = lambda state, event: world.live(state.turn_id).stop()
    await world.ask()
    await world.turns.drain(1)

    assert world.records.outcomes == {}
    assert world.model.requests == []


async def test_a_turn_that_is_stored_while_the_server_drains_is_left() -> None:
    world = World()
    gate = world.records.after_start["Hi"] = asyncio.Event()
    asked = asyncio.create_task(world.ask())
    await until(lambda: world.records.turns)
    draining = asyncio.create_task(world.turns.drain(10))
    await steps(3)
    gate.set()
    turn_id = await asked
    await draining

    assert await cut(await world.turns.read(OWNER, turn_id)) == world.records.events[turn_id]
    assert world.model.requests == []


async def test_a_drain_does_not_wait_for_ever_on_what_will_not_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "_LET_GO_S", 0.01)
    world = World()
    world.journal.finish_gate = asyncio.Event()
    turn_id = await world.ask()
    await until(lambda: world.journal.finishes)
    await world.turns.drain(0)

    assert not world.records.turns[turn_id].ended
    assert len(world.turns._crew) == 0


async def test_an_abort_while_draining_still_ends_the_turn() -> None:
    world = World(ScriptedModel([[Text("Hel")], asyncio.Event()]))
    turn_id = await world.ask()
    await until(lambda: world.model.yielded)
    draining = asyncio.create_task(world.turns.drain(10))
    await steps(2)

    assert (await world.turns.abort(OWNER, turn_id)).status == "aborted"
    await draining


@pytest.mark.parametrize("events", [(), (ROUTED,), (ROUTED, TurnAdopted("n0", 1))])
async def test_a_turn_that_had_said_nothing_is_asked_again(events: Sequence[AnyEvent]) -> None:
    records, turn_id = await left_behind(*events)
    world = World(records=records)
    done = await adopted(world, turn_id)

    assert done[-1] == TurnCompleted("stop")
    assert sum(isinstance(event, RouteChosen) for event in done) == 1
    assert [message.text for message in world.model.requests[0].messages] == ["Hi"]
    assert world.records.messages[f"msg_{turn_id}"].message.text == "Hello"


@pytest.mark.parametrize(
    ("on_lost", "prefill", "carries_on"),
    [
        ("auto", False, False),
        ("auto", True, True),
        ("continue", False, True),
        ("fail", True, False),
    ],
)
async def test_a_half_written_answer_is_carried_on_or_closed(
    on_lost: OnLost, prefill: bool, carries_on: bool
) -> None:
    records, turn_id = await left_behind(ROUTED, TextDelta("Good "), TextDelta("day"))
    world = World(records=records, prefill=prefill, limits=Limits(on_lost=on_lost))
    end = (await adopted(world, turn_id))[-1]
    answer = world.records.outcomes[turn_id].messages[-1]

    if carries_on:
        assert world.model.requests[0].partial == "Good day"
        assert (answer.text, answer.incomplete) == ("Good dayHello", False)
    else:
        assert isinstance(end, TurnFailed)
        assert (end.code, end.retryable) == ("worker_lost", True)
        assert (answer.text, answer.incomplete) == ("Good day", True)
        assert world.model.requests == []


async def test_thoughts_are_something_said() -> None:
    records, turn_id = await left_behind(ROUTED, ReasoningDelta("hm"))
    end = (await adopted(World(records=records), turn_id))[-1]

    assert isinstance(end, TurnFailed)


async def test_a_call_that_may_have_run_is_not_run_again() -> None:
    records, turn_id = await left_behind(
        ROUTED,
        ToolCalled("a", "one", "{}"),
        ToolCalled("b", "two", "{}"),
        ToolFinished("a", "A"),
    )
    world = World(records=records)
    done = await adopted(world, turn_id)

    assert ToolFinished("b", "interrupted", is_error=True) in done
    assert done[-1] == TurnCompleted("stop")
    results = [m.text for m in world.model.requests[0].messages if m.role == "tool"]
    assert results == ["A", "interrupted"]


WHOLE = MessageCompleted(Message("m", "assistant", (TextPart("Hello"),), finish_reason="length"))


async def test_a_whole_answer_only_has_to_be_ended() -> None:
    records, turn_id = await left_behind(ROUTED, TextDelta("Hello"), WHOLE)
    world = World(records=records)

    assert (await adopted(world, turn_id))[-1] == TurnCompleted("length")
    assert world.model.requests == []


@pytest.mark.parametrize("spoken", [True, False])
async def test_interrupted_speech_is_not_begun_again(spoken: bool) -> None:
    more = [AudioDelta("audio/mpeg", "AAAA")] if spoken else []
    records, turn_id = await left_behind(ROUTED, TextDelta("Hello"), WHOLE, *more, voice="v")
    speech = FakeSpeech(b"abc")
    done = await adopted(World(records=records, speech=speech), turn_id)

    assert done[-1] == TurnCompleted("length")
    failed = [event.code for event in done if isinstance(event, AudioFailed)]
    assert (failed, speech.spoken) == ((["worker_lost"], []) if spoken else ([], ["Hello"]))


async def test_a_call_that_was_made_here_is_not_called_interrupted() -> None:
    records, turn_id = await left_behind(ROUTED)
    call: list[Act] = [[CallPiece(0, "a", "one", "{}")], [DeltaFinish("stop")]]
    world = World(ScriptedModel(call, says("done")), records=records)
    [result] = [e.result for e in await adopted(world, turn_id) if isinstance(e, ToolFinished)]

    assert "no tool" in result


async def test_adopted_turns_of_a_session_keep_their_order() -> None:
    first = World(ScriptedModel([asyncio.Event()]))
    asked = [await first.ask(text) for text in ("one", "two", "three")]
    await until(lambda: first.model.requests)
    await first.turns.drain(0)
    go_on = asyncio.Event()
    world = World(ScriptedModel([go_on, *says("ok")]), records=first.records)

    assert await world.turns.adopt() == 3
    await until(lambda: world.model.requests)
    await steps(20)
    assert len(world.model.requests) == 1
    go_on.set()
    newest = await world.ask("four")
    for turn_id in (*asked, newest):
        await world.events(turn_id)
    said = [request.messages[-1].text for request in world.model.requests]
    assert said == ["one", "two", "three", "four"]
    assert all(turn.status == "completed" for turn in world.records.turns.values())


async def test_nothing_that_runs_here_is_adopted() -> None:
    world = World(ScriptedModel([[Text("Hel")], asyncio.Event()]))
    running = await world.ask()
    gate = world.records.after_start["new"] = asyncio.Event()
    asked = asyncio.create_task(world.ask("new", session="s_2"))
    await until(lambda: len(world.records.turns) == 2)

    assert await world.turns.adopt() == 0
    gate.set()
    await world.turns.abort(OWNER, running)
    await world.turns.abort(OWNER, await asked)
    assert await world.turns.adopt() == 0


async def test_a_turn_given_up_for_want_of_storage_is_taken_up_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(seal, "_STORE_AGAIN_S", ())
    world = World()
    world.journal.finish_fails.append(StorageUnavailable("away"))
    turn_id = await world.ask()
    reader = await world.turns.read(OWNER, turn_id)
    seen = await cut(reader)
    await until(lambda: world.turns.orphaned)
    assert not any(isinstance(stamped.event, TERMINAL) for stamped in seen)

    assert (await adopted(world, turn_id))[-1] == TurnCompleted("stop")
    assert (await world.events(turn_id))[: len(seen)] == seen
    assert len(world.model.requests) == 1
    assert not world.turns.orphaned


async def test_an_adopted_turn_can_be_aborted() -> None:
    records, turn_id = await left_behind(ROUTED)
    world = World(ScriptedModel([asyncio.Event()]), records=records)
    await world.turns.adopt()

    assert (await world.turns.abort(OWNER, turn_id)).status == "aborted"
    assert (await world.events(turn_id))[-1].event == TurnAborted("client")


async def test_an_adopted_turn_whose_model_is_gone_fails() -> None:
    records, turn_id = await left_behind(ROUTED)
    asked = records.events[turn_id][0].event
    assert isinstance(asked, TurnStarted)
    renamed = structs.replace(asked, request=asking(model="unknown"))
    records.events[turn_id][0] = Stamped(0, 1, renamed)
    end = (await adopted(World(records=records), turn_id))[-1]

    assert isinstance(end, TurnFailed)
    assert end.code == "not_found"


async def test_a_turn_of_another_process_is_followed_to_its_end() -> None:
    go_on = asyncio.Event()
    writer = World(ScriptedModel([[Text("Hel")], go_on, *says("lo")]))
    turn_id = await writer.ask()
    await until(lambda: len(writer.records.events[turn_id]) == 3)
    other = World(
        records=writer.records,
    )
    reading = [asyncio.create_task(other.events(turn_id)) for _ in range(2)]
    await steps(5)
    go_on.set()

    events = await writer.events(turn_id)
    assert await asyncio.gather(*reading) == [events, events]
    await until(lambda: not other.turns._crew)


async def test_who_follows_bears_storage_that_is_away_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    records, turn_id = await left_behind(ROUTED)
    other = World(
        records=records,
    )
    reader = await other.turns.read(OWNER, turn_id)
    asked: list[int] = []
    read = other.journal.read

    async def away(turn: str, start: int) -> list[Stamped]:
        asked.append(start)
        if len(asked) < 3:
            raise StorageUnavailable("away")
        return await read(turn, start)

    monkeypatch.setattr(other.journal, "read", away)
    writer = World(records=records)
    await writer.turns.adopt()

    assert await drained(reader) == await writer.events(turn_id)
    assert len(asked) >= 3


async def test_who_follows_stops_when_nobody_reads_or_the_server_drains() -> None:
    records, turn_id = await left_behind(ROUTED)
    other = World(
        records=records,
    )
    (await other.turns.read(OWNER, turn_id)).close()
    await until(lambda: not other.turns._crew)

    reader = await other.turns.read(OWNER, turn_id)
    await other.turns.drain(1)
    assert await cut(reader) == records.events[turn_id]
