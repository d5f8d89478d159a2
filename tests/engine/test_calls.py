"""Calls: parallel, bounded, told in the order asked; whatever goes wrong is a result."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from talkwire.canon.deltas import CallPiece, Finish, Text
from talkwire.canon.errors import Fenced
from talkwire.canon.events import (
    AnyEvent,
    Stamped,
    ToolCalled,
    ToolFinished,
    ToolOutput,
    TurnCompleted,
    TurnStarted,
)
from talkwire.canon.tools import RESULT_CHARS, CallContext, Tool, ToolAnswer
from talkwire.canon.turn import Call, Message, TextPart
from talkwire.engine.calls import Calls, as_spoken, offer, spoken
from talkwire.engine.live import LiveTurn
from talkwire.engine.route import Router
from tests.engine.fakes import (
    LIMIT_S,
    OWNER,
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

Hear = Callable[[str], None]


class FakeTools:
    """`echo` gives its arguments back; `slow` waits for `go_on`; `bug` raises; the rest is data."""

    def __init__(self, *more: Tool) -> None:
        self.tools = [
            Tool("echo"),
            Tool("slow", timeout_s=50),
            Tool("late", timeout_s=0.01),
            Tool("bug"),
            Tool("flood"),
            Tool("again", idempotent=True),
            Tool("careful", requires_approval=True),
            Tool("shop.find item", description="Finds"),
            *more,
        ]
        self.go_on = asyncio.Event()
        self.ran: list[tuple[str, dict[str, Any], CallContext]] = []
        self.cancelled = 0

    def offered(self) -> Sequence[Tool]:
        return self.tools

    async def call(
        self, name: str, arguments: dict[str, Any], context: CallContext, hear: Hear
    ) -> ToolAnswer:
        self.ran.append((name, arguments, context))
        if name in ("slow", "late"):
            hear("working")
            try:
                await self.go_on.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        if name == "bug":
            raise RuntimeError("secret detail")
        if name == "flood":
            for _ in range(3):
                hear("x" * RESULT_CHARS)
            return ToolAnswer("y" * (RESULT_CHARS + 1))
        return ToolAnswer(f"{name}: {arguments}")

    async def open(self) -> None: ...

    async def close(self) -> None: ...


class Stage:
    """One turn, and calls to run in it."""

    def __init__(self, *more: Tool) -> None:
        self.tools = FakeTools(*more)
        self.calls = Calls(self.tools)
        records = FakeRecords()
        first = Stamped(0, 1, TurnStarted("t", "s_1", "native", asking(), "msg_t_in"))
        records.events["t"] = [first]
        self.journal = FakeJournal(records)
        self.live = LiveTurn([first], OWNER, journal=self.journal, observer=lambda s, e: None)

    def asked(self, *names: str, arguments: str = "{}") -> list[ToolCalled]:
        calls = [ToolCalled(f"c{n}", name, arguments) for n, name in enumerate(names)]
        self.live.append(calls)
        return calls

    async def run(self, calls: Sequence[ToolCalled], *, interrupted: bool = False) -> None:
        async with asyncio.timeout(LIMIT_S):
            routed = await Router(FakeModels(ScriptedModel()), FakePrompts()).plan(asking())
            await self.calls.run(calls, self.live, routed, interrupted=interrupted)

    @property
    def told(self) -> list[AnyEvent]:
        events = [stamped.event for stamped in self.live.log.events]
        return [event for event in events if isinstance(event, ToolFinished | ToolOutput)]


async def test_a_call_runs_with_its_arguments_for_whom_it_is_made() -> None:
    stage = Stage()
    await stage.run(stage.asked("echo", arguments='{"a": 1}'))

    assert stage.told == [ToolFinished("c0", "echo: {'a': 1}")]
    assert stage.tools.ran == [("echo", {"a": 1}, CallContext(OWNER, "s_1", "t", "c0"))]


async def test_calls_run_at_the_same_time_and_are_told_in_the_order_asked() -> None:
    stage = Stage()
    running = asyncio.create_task(stage.run(stage.asked("slow", "echo", "echo")))
    await until(lambda: len(stage.tools.ran) == 3)
    await steps(5)
    assert stage.told == [ToolOutput("c0", "working")]

    stage.tools.go_on.set()
    await running

    finished = [event.call_id for event in stage.told if isinstance(event, ToolFinished)]
    assert finished == ["c0", "c1", "c2"]


@pytest.mark.parametrize(
    ("name", "arguments", "why"),
    [
        ("nobody", "{}", "no tool 'nobody'"),
        ("echo", "[1]", "no JSON object"),
        ("echo", "{", "no JSON object"),
        ("late", "{}", "within 0.01 s"),
        ("bug", "{}", "not foreseen"),
        ("careful", "{}", "approval"),
    ],
)
async def test_what_goes_wrong_is_the_result(name: str, arguments: str, why: str) -> None:
    stage = Stage()
    await stage.run(stage.asked(name, arguments=arguments))

    (result,) = [event for event in stage.told if isinstance(event, ToolFinished)]
    assert result.is_error
    assert why in result.result
    assert "secret" not in result.result
    assert name != "careful" or not stage.tools.ran


async def test_empty_arguments_are_an_empty_object() -> None:
    stage = Stage()
    await stage.run(stage.asked("echo", arguments=""))

    assert stage.told == [ToolFinished("c0", "echo: {}")]


async def test_a_flood_is_cut_and_marked() -> None:
    stage = Stage()
    await stage.run(stage.asked("flood"))

    output = [event.text for event in stage.told if isinstance(event, ToolOutput)]
    (result,) = [event for event in stage.told if isinstance(event, ToolFinished)]
    assert sum(map(len, output)) == RESULT_CHARS
    assert (len(result.result), result.truncated) == (RESULT_CHARS, True)


async def test_after_a_death_only_idempotent_tools_run_again() -> None:
    stage = Stage()
    await stage.run(stage.asked("echo", "again", "nobody"), interrupted=True)

    results = {e.call_id: e for e in stage.told if isinstance(e, ToolFinished)}
    assert [name for name, _, _ in stage.tools.ran] == ["again"]
    assert not results["c1"].is_error
    assert all(results[each].result.startswith("interrupted") for each in ("c0", "c2"))


async def test_no_tool_begins_before_the_journal_holds_its_call() -> None:
    stage = Stage()
    stage.journal.manual = True
    running = asyncio.create_task(stage.run(stage.asked("echo")))
    await steps(5)
    assert not stage.tools.ran

    stage.journal.commit("t")
    await running

    assert [name for name, _, _ in stage.tools.ran] == ["echo"]


async def test_no_tool_begins_once_the_journal_is_lost() -> None:
    stage = Stage()
    stage.journal.manual = True
    running = asyncio.create_task(stage.run(stage.asked("echo")))
    await steps(5)

    stage.journal.lose(Fenced("Another process has taken over this node."))
    await asyncio.wait([running])

    assert running.cancelled()
    assert not stage.tools.ran


async def test_cancelling_reaches_every_tool() -> None:
    stage = Stage()
    running = asyncio.create_task(stage.run(stage.asked("slow", "slow")))
    await until(lambda: len(stage.tools.ran) == 2)

    running.cancel()
    await asyncio.wait([running])

    assert running.cancelled()
    assert stage.tools.cancelled == 2


def test_names_are_told_as_every_provider_takes_them() -> None:
    offered = offer([Tool("shop.find item"), Tool("shop_find_item"), Tool("查询"), Tool("a" * 80)])

    assert list(offered) == ["shop_find_item", "__", "a" * 64]
    assert offered["shop_find_item"].name == "shop.find item"
    assert spoken("ok-Name_1") == "ok-Name_1"


def test_history_names_tools_as_the_model_was_told() -> None:
    plain = Message("m", "assistant", (), (Call("c", "echo", "{}"),))
    odd = Message("m", "assistant", (), (Call("c", "shop.find item", "{}"),))

    assert as_spoken(plain) is plain
    assert as_spoken(odd).calls == (Call("c", "shop_find_item", "{}"),)


def test_a_model_is_told_that_a_result_is_not_all_there_was() -> None:
    cut = Message("m", "tool", (TextPart("the beginning"),), call_id="c", incomplete=True)
    answer = Message("m", "assistant", (TextPart("half"),), incomplete=True)

    assert as_spoken(cut).text.startswith("the beginning\n\n[The result was longer")
    assert as_spoken(answer) is answer


async def test_a_turn_calls_tools_and_goes_on_with_what_they_said() -> None:
    call = CallPiece(0, call_id="c1", name="shop_find_item", arguments='{"q": "tea"}')
    model = ScriptedModel([[Text("Let me look. ")], [call], [Finish("stop")]], says("Tea: 3."))
    tools = FakeTools()
    world = World(model, tools=tools)

    turn_id = await world.ask("Is there tea?")
    events = [stamped.event for stamped in await world.events(turn_id)]

    assert ToolCalled("c1", "shop.find item", '{"q": "tea"}') in events
    assert ToolFinished("c1", "shop.find item: {'q': 'tea'}") in events
    assert events[-1] == TurnCompleted("stop")
    first, second = model.requests
    assert "shop_find_item" in [tool.name for tool in first.tools]
    assert [message.role for message in second.messages] == ["user", "assistant", "tool"]
    assert second.messages[1].calls[0].name == "shop_find_item"


async def test_an_abort_reaches_a_running_tool() -> None:
    call = CallPiece(0, call_id="c1", name="slow", arguments="{}")
    tools = FakeTools()
    world = World(ScriptedModel([[call], [Finish("stop")]]), tools=tools)
    turn_id = await world.ask()
    await until(lambda: tools.ran)

    record = await world.turns.abort(OWNER, turn_id)

    assert record.status == "aborted"
    assert tools.cancelled == 1
