"""Turns that agents answer: what they say and do, and every way in which they end."""

from __future__ import annotations

import asyncio

import pytest

from talkwire.canon.agents import ASSISTANT
from talkwire.canon.budgets import Budget
from talkwire.canon.deltas import (
    AgentBegins,
    AgentEnds,
    Called,
    Finish,
    Hear,
    Reasoning,
    Retry,
    Returned,
    Text,
    Tokens,
    Used,
)
from talkwire.canon.errors import NotFound, Unprocessable, UpstreamIncomplete, UpstreamUnavailable
from talkwire.canon.events import (
    AttemptFailed,
    AudioCompleted,
    MessageCompleted,
    RouteChosen,
    ToolCalled,
    ToolFinished,
    TurnFailed,
    UsageCounted,
)
from talkwire.canon.tools import CallContext, Tool
from talkwire.canon.turn import ModelRequest, text_message
from talkwire.engine.agent_ports import Hands
from talkwire.engine.budgets import Budgets
from talkwire.engine.ids import is_call_id
from talkwire.engine.ports import Choice
from talkwire.engine.route import Router
from tests.engine.agents import FakeAgent, FakeAgents, Play, tell
from tests.engine.fakes import (
    OWNER,
    FakeModels,
    FakePrompts,
    FakeSpeech,
    ScriptedModel,
    World,
    says,
    until,
)
from tests.engine.ledger import FakeLedger
from tests.engine.storage import FakeRecords
from tests.engine.test_calls import FakeTools


def stage(
    play: Play,
    model: ScriptedModel | None = None,
    *,
    asks: str = "default",
    records: FakeRecords | None = None,
    models: FakeModels | None = None,
    tools: FakeTools | None = None,
    speech: FakeSpeech | None = None,
) -> tuple[World, FakeAgent]:
    agent = FakeAgent(play, asks)
    model = model or ScriptedModel(says("Hel", "lo"))
    router = Router(models or FakeModels(model), FakePrompts(), agents=FakeAgents(agent))
    world = World(
        model,
        router=router,
        records=records,
        tools=tools or FakeTools(),
        speech=speech,
        voice_mode="live",
    )
    return world, agent


async def answers(_: ModelRequest, hear: Hear, hands: Hands) -> None:
    """Asks its model with a tool in between, as real ones do."""
    await tell(hear, AgentBegins("clerk", "Clerk"))
    request = ModelRequest("", (text_message("", "user", "Hi"),))
    await hands.ask("default", request, lambda deltas: hear(deltas[:1]) if len(deltas) else None)
    answer = await hands.call("echo", '{"text":"x"}')
    await tell(hear, Text(answer.result), AgentEnds("clerk", "Clerk"), Finish("stop"))


async def test_what_an_agent_does_is_told_and_stored_as_a_model_s_answer_is() -> None:
    world, agent = stage(answers)

    turn_id = await world.ask("Hi", agent="clerk")

    assert await world.kinds(turn_id) == [
        "TurnStarted",
        "RouteChosen",
        "AgentStarted",
        "TextDelta",
        "TextDelta",
        "UsageCounted",
        "ToolCalled",
        "ToolFinished",
        "TextDelta",
        "AgentCompleted",
        "MessageCompleted",
        "TurnCompleted",
    ]
    events = [stamped.event for stamped in await world.events(turn_id)]
    assert events[1] == RouteChosen(
        "default", "cloud", "clerk", reasons=("the agent clerk is asked for by the request",)
    )
    said, done, last = world.records.outcomes[turn_id].messages
    assert (said.text, [call.name for call in said.calls]) == ("Hello", ["echo"])
    assert is_call_id(said.calls[0].call_id)
    assert done.call_id == said.calls[0].call_id
    assert (last.text, last.incomplete) == ("echo: {'text': 'x'}", False)
    (asked,) = agent.requests
    assert asked.asked_for == CallContext(OWNER, "s_1", turn_id, "")
    assert asked.instructions == ""  # the default prompt is none of an agent's


async def test_what_an_agent_says_is_spoken_meanwhile() -> None:
    async def play(_: ModelRequest, hear: Hear, hands: Hands) -> None:
        await tell(hear, AgentBegins("clerk", "Clerk"), Text("Let me look"))
        await hands.call("echo", "{}")
        await tell(hear, Text("It is. "), Text("Bye"), AgentEnds("clerk", "Clerk"), Finish("stop"))

    speech = FakeSpeech(b"abc", whole=False)
    world, _ = stage(play, speech=speech)
    turn_id = await world.ask("Hi", agent="clerk", voice="v")
    events = [stamped.event for stamped in await world.events(turn_id)]

    assert speech.spoken == ["Let me look", "It is.", "Bye"]
    assert events[-2] == AudioCompleted("v", 300)


async def test_usage_is_told_once_a_model_and_never_guessed_beside_it() -> None:
    model = ScriptedModel([[Text("a")], [Tokens(5, 7), Finish("stop")]])
    world, _ = stage(answers, model)

    events = await world.events(await world.ask("Hi", agent="clerk"))

    assert [e.event for e in events if isinstance(e.event, UsageCounted)] == [
        UsageCounted(5, 7, cost=5 / 1e6 + 14 / 1e6)
    ]


async def test_an_agent_s_own_tools_and_models_are_told_too() -> None:
    async def play(_: ModelRequest, hear: Hear, hands: Hands) -> None:
        await tell(hear, AgentBegins("clerk", "Clerk"), Called("1", "its own", '{"a":1}'))
        await tell(hear, Called("2", "lost", "{}"), Returned("1", "r" * 9_000))
        await tell(hear, Returned("9", "of no call"), Reasoning("hm"), Used(3, 4))
        await tell(hear, AgentEnds("clerk", "Clerk"), Text("so"), Finish("stop"))

    world, _ = stage(play, asks="")
    turn_id = await world.ask("Hi", agent="clerk")
    events = [stamped.event for stamped in await world.events(turn_id)]

    assert events[1].model == "clerk"  # type: ignore[union-attr]  # a RouteChosen
    calls = [event for event in events if isinstance(event, ToolCalled)]
    done = {event.call_id: event for event in events if isinstance(event, ToolFinished)}
    assert [(each.name, each.arguments) for each in calls] == [
        ("its own", '{"a":1}'),
        ("lost", "{}"),
    ]
    assert all(is_call_id(each.call_id) for each in calls)
    first, second = (done[each.call_id] for each in calls)
    assert (len(first.result), first.truncated) == (8_000, True)
    assert second.is_error
    assert UsageCounted(3, 4) in events
    assert world.records.outcomes[turn_id].messages[-1].incomplete is False


async def test_a_tool_that_a_person_has_to_agree_to_is_refused_in_words() -> None:
    async def play(_: ModelRequest, hear: Hear, hands: Hands) -> None:
        for name in ("careful", "nobody"):
            answer = await hands.call(name, "{}")
            assert answer.is_error
        await tell(hear, Text("no"), Finish("stop"))

    tools = FakeTools(Tool("careful", requires_approval=True))
    world, _ = stage(play, tools=tools)

    events = await world.events(await world.ask("Hi", agent="clerk"))

    (done,) = [e.event for e in events if isinstance(e.event, ToolFinished)]
    assert "approval" in done.result
    assert done.is_error
    assert type(events[-1].event).__name__ == "TurnCompleted"


async def test_another_model_takes_over_before_a_word_and_never_after() -> None:
    class Two(FakeModels):
        other = ScriptedModel([[Text("other")], [Finish("stop")]])

        def resolve(self, name: str | None, caller: object = None) -> Choice:
            choice = super().resolve(name, None)
            return choice if name != "other" else Choice("other", "cloud", self.other, "up")

        def fallbacks(self, name: str) -> tuple[str, ...]:
            return ("other",)

    model = ScriptedModel(
        [[Retry(1, 3, 5, "upstream_timeout")], UpstreamUnavailable("down")],
        [[Text("half")], UpstreamIncomplete("cut")],
    )
    world, _ = stage(answers, models=Two(model))

    first = [e.event for e in await world.events(await world.ask("Hi", agent="clerk"))]
    again = [e.event for e in await world.events(await world.ask("Hi", agent="clerk"))]

    assert AttemptFailed(1, 3, 5, "upstream_timeout") in first
    used = [event for event in first if isinstance(event, UsageCounted)]
    assert [(each.model, each.estimated) for each in used] == [("other", True)]
    assert type(first[-1]).__name__ == "TurnCompleted"
    assert again[-1] == TurnFailed("upstream_incomplete", "cut", retryable=True)
    assert len(Two.other.requests) == 1


async def test_a_budget_cuts_what_an_agent_asks() -> None:
    words = [[Text(f"w{n} ")] for n in range(500)]
    records = FakeRecords()
    ledger = FakeLedger(records, {"k1": Budget(day=40)})
    agent = FakeAgent(answers)
    model = ScriptedModel([*words, [Finish("stop")]])
    router = Router(FakeModels(model), FakePrompts(), agents=FakeAgents(agent))
    world = World(model, router=router, records=records, budgets=Budgets(ledger))

    turn_id = await world.ask("Hi", agent="clerk", key_id="k1")
    events = [stamped.event for stamped in await world.events(turn_id)]

    assert isinstance(events[-1], TurnFailed)
    assert events[-1].code == "budget_exceeded"
    (used,) = [event for event in events if isinstance(event, UsageCounted)]
    assert used.input_tokens + used.output_tokens == 40
    assert model.closed == 1


async def test_an_abort_ends_what_an_agent_has_begun() -> None:
    gate = asyncio.Event()
    model = ScriptedModel([[Text("half")], gate])
    world, _ = stage(answers, model)
    turn_id = await world.ask("Hi", agent="clerk")
    await until(lambda: model.yielded)

    record = await world.turns.abort(OWNER, turn_id)

    assert record.status == "aborted"
    assert model.closed == 1
    (message,) = world.records.outcomes[turn_id].messages
    assert (message.text, message.incomplete) == ("half", True)


async def test_an_agent_at_work_is_lost_with_its_process_and_its_calls_have_an_end() -> None:
    gate = asyncio.Event()

    async def play(_: ModelRequest, hear: Hear, hands: Hands) -> None:
        await tell(
            hear, AgentBegins("clerk", "Clerk"), Text("half"), Called("1", "own", "{}"), gate
        )

    world, _ = stage(play)
    turn_id = await world.ask("Hi", agent="clerk")
    await until(lambda: world.live(turn_id).state.calls and world.live(turn_id).backlog == 0)
    await world.turns.drain(0.0)

    after, agent = stage(play, records=world.records)
    assert await after.turns.adopt() == 1
    events = [stamped.event for stamped in await after.events(turn_id)]

    assert not agent.requests
    assert isinstance(events[-2], ToolFinished)
    assert (events[-2].result, events[-2].is_error) == ("interrupted", True)
    assert isinstance(events[-1], TurnFailed)
    assert events[-1].code == "worker_lost"
    said, done, last = after.records.outcomes[turn_id].messages
    assert (said.text, said.calls[0].call_id) == ("half", done.call_id)
    assert (last.text, last.incomplete) == ("", True)


async def test_an_agent_of_whom_nothing_was_seen_begins_again() -> None:
    gate = asyncio.Event()

    async def waits(_: ModelRequest, hear: Hear, hands: Hands) -> None:
        await tell(hear, AgentBegins("clerk", "Clerk"), gate)

    world, first = stage(waits)
    turn_id = await world.ask("Hi", agent="clerk")
    await until(lambda: first.requests and world.live(turn_id).backlog == 0)
    await world.turns.drain(0.0)

    after, agent = stage(answers, records=world.records)
    await after.turns.adopt()
    events = [stamped.event for stamped in await after.events(turn_id)]

    assert len(agent.requests) == 1
    assert isinstance(events[-2], MessageCompleted)


async def test_the_assistant_is_the_model_as_it_is() -> None:
    world, agent = stage(answers)

    events = await world.events(await world.ask("Hi", agent=ASSISTANT))

    assert not agent.requests
    assert events[1].event == RouteChosen(
        "default", "cloud", ASSISTANT, reasons=("the default model",)
    )


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"model": "x"}, "model"),
        ({"model_type": "auto"}, "model_type"),
        ({"scenario": ""}, "scenario"),
    ],
)
async def test_what_an_agent_decides_is_not_asked_for_beside_it(
    more: dict[str, str], param: str
) -> None:
    world, _ = stage(answers)

    with pytest.raises(Unprocessable) as refused:
        await world.ask("Hi", agent="clerk", **more)

    assert refused.value.param == param
    with pytest.raises(NotFound, match="clerk"):
        await world.ask("Hi", agent="clerks")


async def test_a_server_without_agents_knows_the_assistant_alone() -> None:
    world = World()

    with pytest.raises(NotFound, match="assistant"):
        await world.ask("Hi", agent="clerk")


async def test_a_prompt_that_the_request_names_is_added() -> None:
    world, agent = stage(answers)

    await world.events(await world.ask("Hi", agent="clerk", prompt="kind"))

    assert agent.requests[0].instructions == "Be kind."
