"""A long result is kept whole and told as a summary, or cut; the turn goes on either way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from msgspec import structs

from talkwire.canon.deltas import CallPiece, Finish, Text
from talkwire.canon.errors import NotFound, StorageUnavailable, UpstreamUnavailable
from talkwire.canon.events import (
    AnyEvent,
    Stamped,
    ToolCalled,
    ToolFinished,
    ToolOutput,
    TurnCompleted,
    TurnStarted,
)
from talkwire.canon.records import ToolResult
from talkwire.canon.tools import RESULT_CHARS, CallContext, Tool, ToolAnswer
from talkwire.canon.turn import Message, TextPart
from talkwire.engine.calls import Calls
from talkwire.engine.live import LiveTurn
from talkwire.engine.long_results import LongResults
from talkwire.engine.route import Router
from tests.engine.fakes import (
    LIMIT_S,
    OWNER,
    Act,
    FakeModels,
    FakePrompts,
    ScriptedModel,
    World,
    asking,
    says,
    steps,
    until,
)
from tests.engine.storage import FakeJournal, FakeRecords

LONG = ToolAnswer("long " * 100)
SUM = says("It is ", "long.")


class FakeResults:
    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], ToolResult] = {}
        self.gate: asyncio.Event | None = None
        self.away = False

    async def keep(self, owner: str, result: ToolResult) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if self.away:
            raise StorageUnavailable("away")
        self.kept[owner, result.call_id] = result

    async def result(self, owner: str, call_id: str) -> ToolResult:
        if self.away:
            raise StorageUnavailable("away")
        if (owner, call_id) not in self.kept:
            raise NotFound("none")
        return self.kept[owner, call_id]


class Giving:
    """Tools that give what the test says; all but `again` must not run twice."""

    def __init__(self, **answers: ToolAnswer) -> None:
        self.answers = answers
        self.ran: list[str] = []

    def offered(self) -> Sequence[Tool]:
        return [Tool(name, idempotent=name == "again") for name in self.answers]

    async def call(
        self,
        name: str,
        arguments: dict[str, Any],
        context: CallContext,
        hear: Callable[[str], None],
    ) -> ToolAnswer:
        self.ran.append(name)
        return self.answers[name]

    async def open(self) -> None: ...

    async def close(self) -> None: ...


class Stage:
    def __init__(
        self, model: ScriptedModel, *, timeout_s: float = LIMIT_S, **answers: ToolAnswer
    ) -> None:
        self.model = model
        self.tools = Giving(**answers)
        self.results = FakeResults()
        self.calls = Calls(self.tools, LongResults(self.results, over=200, timeout_s=timeout_s))
        records = FakeRecords()
        first = Stamped(0, 1, TurnStarted("t", "s_1", "native", asking("Is it?"), "msg_t_in"))
        records.events["t"] = [first]
        journal = FakeJournal(records)
        self.live = LiveTurn([first], OWNER, journal=journal, observer=lambda s, e: None)

    async def run(self, *names: str, interrupted: bool = False) -> list[AnyEvent]:
        """Run calls `c0`, `c1` …; what they told."""
        calls = [ToolCalled(f"c{n}", name, '{"a":1}') for n, name in enumerate(names)]
        self.live.append(calls)
        routed = await Router(FakeModels(self.model), FakePrompts()).plan(asking())
        async with asyncio.timeout(LIMIT_S):
            await self.calls.run(calls, self.live, routed, interrupted=interrupted)
        return self.told

    @property
    def told(self) -> list[AnyEvent]:
        events = [stamped.event for stamped in self.live.log.events]
        return [event for event in events if isinstance(event, ToolFinished | ToolOutput)]


async def test_a_long_result_is_stored_whole_and_told_as_its_summary() -> None:
    stage = Stage(ScriptedModel(SUM), find=LONG)

    assert await stage.run("find") == [
        ToolOutput("c0", "It is "),
        ToolOutput("c0", "long."),
        ToolFinished("c0", "It is long.", summarized=True),
    ]

    kept = stage.results.kept[OWNER, "c0"]
    assert (kept.turn_id, kept.session_id, kept.name) == ("t", "s_1", "find")
    assert (kept.text, kept.truncated) == (LONG.result, False)
    (request,) = stage.model.requests
    assert '"Is it?"' in request.messages[0].text
    assert "at most 200 characters" in request.instructions
    assert len(stage.live.state.usage) == 1


async def test_a_result_at_the_limit_is_told_as_it_is() -> None:
    stage = Stage(ScriptedModel(SUM), find=ToolAnswer("x" * 200))

    assert await stage.run("find") == [ToolFinished("c0", "x" * 200)]
    assert (stage.model.requests, stage.results.kept) == ([], {})


async def test_nobody_is_asked_before_the_whole_is_stored() -> None:
    stage = Stage(ScriptedModel(SUM), find=LONG)
    stage.results.gate = asyncio.Event()
    running = asyncio.create_task(stage.run("find"))
    await steps(20)
    assert (stage.model.requests, stage.told) == ([], [])

    stage.results.gate.set()

    assert len(await running) == 3


@pytest.mark.parametrize(
    "answer",
    [
        [UpstreamUnavailable("down")],
        [[Text("half")], UpstreamUnavailable("down")],
        [[Text(" ")], [Finish("stop")]],
        [[Text("half")]],
        [RuntimeError("a bug")],
        [asyncio.Event()],
    ],
)
async def test_where_no_model_can_sum_up_the_result_is_cut(answer: Sequence[Act]) -> None:
    timeout_s = 0.01 if isinstance(answer[0], asyncio.Event) else LIMIT_S
    stage = Stage(ScriptedModel(answer), timeout_s=timeout_s, find=LONG)

    finished = (await stage.run("find"))[-1]

    assert finished == ToolFinished("c0", LONG.result[:200], truncated=True)
    assert stage.results.kept[OWNER, "c0"].text == LONG.result
    assert stage.model.closed == 1


async def test_a_cut_ends_with_a_whole_character() -> None:
    stage = Stage(ScriptedModel([UpstreamUnavailable("down")]), find=ToolAnswer("ae\u0301" * 100))

    finished = (await stage.run("find"))[-1]

    assert finished == ToolFinished("c0", "ae\u0301" * 66 + "a", truncated=True)


async def test_an_error_is_cut_and_never_summed_up() -> None:
    stage = Stage(ScriptedModel(SUM), find=structs.replace(LONG, is_error=True))

    (finished,) = await stage.run("find")

    assert finished == ToolFinished("c0", LONG.result[:200], is_error=True, truncated=True)
    assert (stage.model.requests, stage.results.kept) == ([], {})


async def test_what_a_result_lost_is_told_with_its_summary() -> None:
    flood = ToolAnswer("x" * (RESULT_CHARS + 1))
    stage = Stage(ScriptedModel(SUM), find=flood, page=structs.replace(LONG, truncated=True))

    told = await stage.run("find", "page")

    finished = [event for event in told if isinstance(event, ToolFinished)]
    assert [(event.summarized, event.truncated) for event in finished] == [(True, True)] * 2
    kept = stage.results.kept[OWNER, "c0"]
    assert (len(kept.text), kept.truncated) == (RESULT_CHARS, True)
    assert stage.results.kept[OWNER, "c1"].truncated


async def test_a_whole_that_could_not_be_stored_is_lost_and_told_to_be() -> None:
    stage = Stage(ScriptedModel(SUM), find=LONG)
    stage.results.away = True

    finished = (await stage.run("find"))[-1]

    assert finished == ToolFinished("c0", "It is long.", summarized=True, truncated=True)


async def test_results_of_a_step_are_summed_up_and_told_in_the_order_asked() -> None:
    stage = Stage(ScriptedModel(SUM), find=LONG, page=ToolAnswer("short"))

    told = await stage.run("find", "page", "find")

    finished = [event for event in told if isinstance(event, ToolFinished)]
    assert [event.call_id for event in finished] == ["c0", "c1", "c2"]
    assert [event.summarized for event in finished] == [True, False, True]


async def test_what_a_process_that_died_had_stored_is_cut_and_no_tool_runs_again() -> None:
    stage = Stage(ScriptedModel(SUM), find=LONG, again=LONG)
    for call_id in ("c0", "c1"):
        kept = ToolResult(call_id, "s_1", "t", "find", LONG.result, False, 1)
        await stage.results.keep(OWNER, kept)

    told = await stage.run("find", "again", interrupted=True)

    assert told == [
        ToolFinished("c0", LONG.result[:200], truncated=True),
        ToolFinished("c1", LONG.result[:200], truncated=True),
    ]
    assert (stage.tools.ran, stage.model.requests) == ([], [])


async def test_without_a_stored_result_an_interrupted_call_is_one() -> None:
    stage = Stage(ScriptedModel(SUM), find=LONG)
    other = ToolResult("c0", "s_1", "another turn", "find", LONG.result, False, 1)
    await stage.results.keep(OWNER, other)

    (finished,) = await stage.run("find", interrupted=True)
    assert isinstance(finished, ToolFinished)
    assert finished.result.startswith("interrupted")

    stage = Stage(ScriptedModel(SUM), find=LONG)
    stage.results.away = True
    (finished,) = await stage.run("find", interrupted=True)
    assert isinstance(finished, ToolFinished)
    assert finished.result.startswith("interrupted")


def calling(name: str) -> list[Act]:
    return [[CallPiece(0, call_id="c1", name=name, arguments="{}")], [Finish("stop")]]


def long_world(model: ScriptedModel) -> World:
    long = LongResults(FakeResults(), over=200)
    return World(model, tools=Giving(find=LONG), long=long)


async def test_the_model_goes_on_with_the_summary_and_the_conversation_keeps_it() -> None:
    model = ScriptedModel(calling("find"), SUM, says("Yes."))
    world = long_world(model)

    turn_id = await world.ask()
    events = [stamped.event for stamped in await world.events(turn_id)]

    assert events[-1] == TurnCompleted("stop")
    told = [message for message in model.requests[2].messages if message.role == "tool"]
    assert [message.text for message in told] == ["It is long."]
    stored = [stored.message.text for stored in world.records.messages.values()]
    assert "It is long." in stored
    assert LONG.result not in stored


async def test_the_model_is_told_where_a_result_was_cut_and_the_conversation_keeps_it_so() -> None:
    model = ScriptedModel(calling("find"), [UpstreamUnavailable("down")], says("Yes."))
    world = long_world(model)

    await world.events(await world.ask())

    (told,) = [message for message in model.requests[2].messages if message.role == "tool"]
    assert told.text.startswith(LONG.result[:200] + "\n\n[The result was longer")
    (stored,) = [m.message for m in world.records.messages.values() if m.message.role == "tool"]
    assert (stored.text, stored.incomplete) == (LONG.result[:200], True)


async def test_an_abort_reaches_the_question_for_a_summary() -> None:
    model = ScriptedModel(calling("find"), [[Text("half")], asyncio.Event()])
    world = long_world(model)
    turn_id = await world.ask()
    await until(lambda: len(model.requests) == 2)

    record = await world.turns.abort(OWNER, turn_id)

    assert record.status == "aborted"
    assert model.closed == 2


async def test_the_question_of_a_given_context_is_its_last_one() -> None:
    model = ScriptedModel(calling("find"), SUM, says("Yes."))
    context = (
        Message("a", "user", (TextPart("Is there tea?"),)),
        Message("b", "assistant", (TextPart("Let me see."),)),
    )
    world = long_world(model)

    await world.events(await world.ask("", context=context, keep=False))

    assert '"Is there tea?"' in model.requests[1].messages[0].text
