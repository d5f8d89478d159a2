"""How one turn runs, seen through `Turns` around fakes; how many turns meet is in test_turns."""

from __future__ import annotations

import asyncio

import pytest

from talkwire.canon.deltas import CallPiece, Finish, Retry, Text
from talkwire.canon.errors import StorageUnavailable, UpstreamUnavailable
from talkwire.canon.events import (
    AttemptFailed,
    TurnCompleted,
    TurnFailed,
    UsageCounted,
)
from talkwire.canon.turn import Message
from talkwire.engine.runner import Limits
from tests.engine.fakes import (
    OWNER,
    Act,
    FakeSpeech,
    ScriptedModel,
    World,
    asking,
    drained,
    says,
    until,
)

BASICS = ["TurnStarted", "RouteChosen"]
ENDING = ["UsageCounted", "MessageCompleted", "TurnCompleted"]


async def test_a_turn_goes_from_its_start_to_its_one_end() -> None:
    world = World()
    turn_id = await world.ask()

    assert await world.kinds(turn_id) == [*BASICS, "TextDelta", "TextDelta", *ENDING]
    assert world.records.turns[turn_id].status == "completed"
    assert world.records.messages[f"msg_{turn_id}"].message.text == "Hello"
    assert world.records.messages[f"msg_{turn_id}"].parent_id == f"msg_{turn_id}_in"


async def test_a_reader_sees_nothing_before_it_is_held() -> None:
    world = World()
    world.journal.manual = True
    turn_id = await world.ask()
    reader = await world.turns.read(OWNER, turn_id)
    live = world.live(turn_id)
    await until(lambda: live.state.message is not None)
    held = world.records.events[turn_id]
    stored = len(held)
    seen = list(reader.ready())
    assert len(seen) == stored < live.state.count

    while len(held) < live.state.count and world.journal.pending.get(turn_id):
        world.journal.commit(turn_id, 1)
        seen += reader.ready()
        assert seen == held
    seen += await drained(reader) if not reader.ended else []
    assert seen == list(world.records.outcomes[turn_id].log)


async def test_the_end_is_told_when_it_is_stored_and_not_before() -> None:
    world = World()
    world.journal.finish_gate = asyncio.Event()
    turn_id = await world.ask()
    reader = await world.turns.read(OWNER, turn_id)
    await until(lambda: world.journal.finishes)
    taken = list(reader.ready())
    assert not reader.turn_ended
    assert turn_id not in world.records.outcomes

    world.journal.finish_gate.set()

    assert isinstance((taken + await drained(reader))[-1].event, TurnCompleted)
    assert turn_id in world.records.outcomes


@pytest.mark.parametrize(
    "error",
    [
        UpstreamUnavailable("reset"),
        ValueError("a bug"),
        TimeoutError(),
        KeyError("k"),
        StopAsyncIteration(),
        asyncio.CancelledError(),
        ExceptionGroup("many", [ValueError("a bug")]),
    ],
)
@pytest.mark.parametrize("before", [[], [[Text("half")]]])
async def test_a_model_that_raises_ends_the_turn_once(
    error: BaseException, before: list[list[Text]]
) -> None:
    world = World(ScriptedModel([*before, error]))
    turn_id = await world.ask()
    events = await world.events(turn_id)

    assert isinstance(events[-1].event, TurnFailed)
    outcome = world.records.outcomes[turn_id]
    assert outcome.messages[-1].incomplete
    assert outcome.messages[-1].text == ("half" if before else "")
    cut = isinstance(error, TimeoutError | asyncio.CancelledError)
    assert outcome.usage.estimated == (bool(before) or cut)
    assert world.model.closed == 1
    assert len(world.model.requests) == 1


async def test_a_turn_takes_only_so_long() -> None:
    world = World(ScriptedModel([[Text("half")], asyncio.Event()]), limits=Limits(max_turn_s=0.02))
    turn_id = await world.ask()
    end = (await world.events(turn_id))[-1].event

    assert isinstance(end, TurnFailed)
    assert (end.code, end.retryable) == ("upstream_timeout", True)
    assert world.model.closed == 1


async def test_a_slow_journal_holds_the_model_back() -> None:
    world = World(ScriptedModel(says(*"x" * 200)), backlog_events=20)
    world.journal.manual = True
    turn_id = await world.ask()
    live = world.live(turn_id)
    most = 0
    await until(lambda: live._room is not None)
    for _ in range(50):
        await asyncio.sleep(0)
        most = max(most, live.backlog)
    assert world.model.yielded <= 22
    assert most == 21

    world.journal.manual = False
    world.journal.commit(turn_id)
    assert (await world.events(turn_id))[-1].event == TurnCompleted("stop")


async def test_an_abort_reaches_a_model_that_is_held_back() -> None:
    world = World(ScriptedModel(says(*"x" * 200)), backlog_events=5)
    world.journal.manual = True
    turn_id = await world.ask()
    live = world.live(turn_id)
    await until(lambda: live._room is not None)
    world.journal.finish_gate = asyncio.Event()
    aborting = asyncio.create_task(world.turns.abort(OWNER, turn_id))
    await until(lambda: world.journal.finishes)
    assert world.model.closed == 1

    world.journal.finish_gate.set()
    assert (await aborting).status == "aborted"


async def test_storage_that_is_away_at_the_end_is_asked_again() -> None:
    world = World()
    world.journal.finish_fails.append(StorageUnavailable("away"))
    turn_id = await world.ask()

    assert await world.kinds(turn_id) == [*BASICS, "TextDelta", "TextDelta", *ENDING]
    assert world.journal.finishes == 2


async def test_calls_are_answered_and_the_model_is_asked_again() -> None:
    call: list[Act] = [[Text("wait")], [CallPiece(0, "a", "one", "{}")], [Finish("stop")]]
    world = World(ScriptedModel(call, says("done")))
    turn_id = await world.ask()
    kinds = await world.kinds(turn_id)

    assert kinds[2:6] == ["TextDelta", "UsageCounted", "ToolCalled", "ToolFinished"]
    assert kinds[6:] == ["TextDelta", *ENDING]
    roles = [message.role for message in world.model.requests[1].messages]
    assert roles == ["user", "assistant", "tool"]
    stored = world.records.outcomes[turn_id].messages
    assert [message.text for message in stored if message.role == "assistant"] == ["wait", "done"]


async def test_rounds_of_calls_come_to_an_end() -> None:
    call: list[Act] = [[CallPiece(0, "a", "one", "{}")], [Finish("stop")]]
    world = World(ScriptedModel(call), limits=Limits(max_tool_rounds=3))
    turn_id = await world.ask()

    assert (await world.events(turn_id))[-1].event == TurnCompleted("tool_limit")
    assert len(world.model.requests) == 3
    said = world.records.messages[f"msg_{turn_id}"].message
    assert "called tools 3 times" in said.text
    assert (said.finish_reason, said.incomplete) == ("tool_limit", False)


async def test_failed_attempts_are_told() -> None:
    world = World(ScriptedModel([[Retry(1, 3, 250, "reset")], *says("ok")]))
    turn_id = await world.ask()
    events = [stamped.event for stamped in await world.events(turn_id)]

    assert AttemptFailed(1, 3, 250, "reset") in events
    assert AttemptFailed(1, 3, 250, "reset") in world.seen


async def test_an_answer_is_spoken_after_it_is_whole() -> None:
    world = World(speech=FakeSpeech(b"abc"))
    turn_id = await world.ask(voice="v")
    kinds = await world.kinds(turn_id)

    assert kinds[-4:] == ["MessageCompleted", "AudioDelta", "AudioCompleted", "TurnCompleted"]


async def test_an_abort_while_speaking_keeps_the_whole_text() -> None:
    world = World(speech=FakeSpeech(b"abc", asyncio.Event()))
    turn_id = await world.ask(voice="v")
    live = world.live(turn_id)
    await until(lambda: live.state.audio == "partial")
    record = await world.turns.abort(OWNER, turn_id)

    assert record.status == "aborted"
    message = world.records.outcomes[turn_id].messages[-1]
    assert isinstance(message, Message)
    assert (message.text, message.incomplete) == ("Hello", False)
    events = [s.event for s in world.records.outcomes[turn_id].log]
    assert sum(isinstance(event, UsageCounted) for event in events) == 1


async def test_the_session_goes_on_where_the_last_turn_ended() -> None:
    world = World()
    await world.events(await world.ask("one"))
    await world.events(await world.ask("two"))

    texts = [message.text for message in world.model.requests[1].messages]
    assert texts == ["one", "Hello", "two"]


async def test_another_answer_to_the_same_question_sees_only_the_question() -> None:
    world = World()
    first = await world.ask("one")
    await world.events(first)
    request = asking("", parent_id=f"msg_{first}_in")
    again = await world.turns.start(OWNER, request)
    await world.events(again.record.turn_id)

    assert [message.text for message in world.model.requests[1].messages] == ["one"]
    answer = world.records.messages[f"msg_{again.record.turn_id}"]
    assert answer.parent_id == f"msg_{first}_in"
