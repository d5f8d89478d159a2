from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from talkwire.canon.deltas import CallPiece, Finish, Text, Tokens
from talkwire.canon.errors import UpstreamIncomplete
from talkwire.canon.events import (
    AnyEvent,
    MessageCompleted,
    RouteChosen,
    Stamped,
    TextDelta,
    ToolCalled,
    ToolFinished,
    TurnCompleted,
    TurnStarted,
    UsageCounted,
)
from talkwire.canon.turn import Message, TextPart, text_message
from talkwire.engine.ids import is_call_id
from talkwire.engine.live import LiveTurn
from talkwire.engine.perform import Performer, WindowShare
from talkwire.engine.route import Router
from talkwire.engine.speaking import Speaker
from talkwire.engine.steps import CallModel, CallTools, Route, Step
from talkwire.engine.steps import Finish as End
from tests.engine.fakes import (
    OWNER,
    Act,
    FakeModels,
    FakePrompts,
    ScriptedModel,
    asking,
    says,
    until,
)
from tests.engine.storage import FakeJournal, FakeRecords


class Stage:
    """One turn whose steps the test performs by hand."""

    def __init__(self, *answers: Sequence[Act]) -> None:
        self.model = ScriptedModel(*answers)
        self.records = FakeRecords()
        first = Stamped(0, 1, TurnStarted("t", "s_1", "native", asking(), "msg_t_in"))
        self.records.events["t"] = [first]
        journal = FakeJournal(self.records)
        self.live = LiveTurn([first], OWNER, journal=journal, observer=lambda s, e: None)
        self.live.history = [text_message("msg_t_in", "user", "Hi")]
        self.performer = Performer(self.records, Speaker(None), WindowShare(messages=4))

    async def perform(self, step: Step) -> list[AnyEvent]:
        routed = await Router(FakeModels(self.model), FakePrompts()).plan(asking())
        before = len(self.live.log.events)
        await self.performer.perform(step, self.live, routed)
        return [stamped.event for stamped in self.live.log.events[before:]]


async def test_the_route_says_which_model_answers_and_why() -> None:
    assert await Stage([]).perform(Route()) == [
        RouteChosen("default", "cloud", reasons=("the default model",))
    ]


async def test_an_answer_is_its_text_its_usage_and_its_message() -> None:
    stage = Stage([[Text("Hel")], [Text("lo")], [Tokens(1_000_000, 500_000), Finish("length")]])

    assert await stage.perform(CallModel()) == [
        TextDelta("Hel"),
        TextDelta("lo"),
        UsageCounted(1_000_000, 500_000, cost=2.0),
        MessageCompleted(
            Message(
                "msg_t",
                "assistant",
                (TextPart("Hello"),),
                model="default",
                finish_reason="length",
            )
        ),
    ]
    assert stage.model.closed == 1


async def test_the_model_is_asked_with_the_plan_and_the_history() -> None:
    stage = Stage(says("ok"))
    await stage.perform(CallModel(partial="so far"))

    [request] = stage.model.requests
    assert (request.model, request.instructions, request.partial) == (
        "upstream",
        "Be kind.",
        "so far",
    )
    assert [message.text for message in request.messages] == ["Hi"]


async def test_usage_that_nobody_reported_is_estimated_and_marked() -> None:
    [_, usage, _] = await Stage(says("12345678")).perform(CallModel())

    assert isinstance(usage, UsageCounted)
    assert usage.estimated
    assert usage.output_tokens == 2
    assert usage.input_tokens > 0
    assert usage.cost == pytest.approx((usage.input_tokens + 2 * 2) / 1_000_000)


async def test_an_empty_answer_is_a_message_without_parts() -> None:
    message = (await Stage([[Finish("stop")]]).perform(CallModel()))[-1]

    assert isinstance(message, MessageCompleted)
    assert message.message.parts == ()


async def test_calls_come_whole_and_in_place_of_the_message() -> None:
    pieces: list[Act] = [
        [CallPiece(0, "a", "one", "{")],
        [CallPiece(0, arguments="}")],
        [Finish("stop")],
    ]
    events = await Stage(pieces).perform(CallModel())

    assert [type(event) for event in events] == [UsageCounted, ToolCalled]
    assert events[-1] == ToolCalled("a", "one", "{}")


async def test_a_call_whose_id_the_conversation_has_already_gets_another() -> None:
    pieces: list[Act] = [[CallPiece(0, "call_0", "one", "{}")], [Finish("stop")]]
    stage = Stage(pieces)

    [*_, first] = await stage.perform(CallModel())
    stage.live.append([ToolFinished("call_0", "1")])
    [*_, second] = await stage.perform(CallModel())

    assert isinstance(first, ToolCalled)
    assert isinstance(second, ToolCalled)
    assert first.call_id == "call_0"
    assert is_call_id(second.call_id)


async def test_an_answer_without_a_finish_is_no_answer_and_its_calls_are_never_seen() -> None:
    stage = Stage([[Text("half")], [CallPiece(0, "a", "one", "{}")]])

    with pytest.raises(UpstreamIncomplete):
        await stage.perform(CallModel())
    assert stage.live.state.texts == ["half"]
    assert not stage.live.state.calls


async def test_stored_history_is_read_along_the_turns_own_path() -> None:
    stage = Stage(says("ok"))
    stage.live.history = None
    await stage.perform(CallModel())

    assert stage.model.requests[0].messages == ()


@pytest.mark.parametrize(("interrupted", "said"), [(True, "interrupted"), (False, "no tool")])
async def test_every_call_gets_a_result(interrupted: bool, said: str) -> None:
    calls = (ToolCalled("a", "one", "{}"), ToolCalled("b", "two", "{}"))
    results = await Stage([]).perform(CallTools(calls, interrupted=interrupted))

    assert [r.call_id for r in results if isinstance(r, ToolFinished) and r.is_error] == ["a", "b"]
    assert all(isinstance(r, ToolFinished) and said in r.result for r in results)


async def test_the_end_is_not_performed() -> None:
    with pytest.raises(AssertionError, match="seal"):
        await Stage([]).perform(End(TurnCompleted("stop")))


async def test_cancelling_the_step_closes_the_model() -> None:
    stage = Stage([[Text("a")], asyncio.Event()])
    performing = asyncio.create_task(stage.perform(CallModel()))
    await until(lambda: stage.live.log.events[-1].event == TextDelta("a"))

    performing.cancel()
    await asyncio.wait([performing])

    assert stage.model.closed == 1
