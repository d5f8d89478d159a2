"""Real Agno agents and teams over hands that a test has made."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from talkwire.canon.deltas import AgentBegins, AgentEnds, Delta, Finish, Reasoning, Text
from talkwire.canon.errors import (
    BudgetExceeded,
    ModelError,
    UpstreamIncomplete,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from talkwire.canon.turn import Call, Message, ModelRequest
from talkwire.models.agent_entries import AgentEntry
from talkwire.models.agno import AgnoAgent, Crew, NotInstalled
from tests.models.hands import FakeHands, by_model, delegate, said, user

CLERK = AgentEntry("clerk", "Clerk", "Tells the time.", "Be brief.", "timed", ("the.clock",))
POET = AgentEntry("poet", "Poet", model="rhymes")
MODULE = """
import asyncio

from agno.agent import Agent
from agno.models.base import Model
from agno.models.response import ModelResponse
from agno.metrics import MessageMetrics
from agno.team import Team


class Own(Model):
    async def ainvoke_stream(self, *args, **kwargs):
        yield ModelResponse(content="mine")
        if self.id == "silent":
            await asyncio.Event().wait()
        if self.id == "broken":
            raise RuntimeError("secret detail")
        used = MessageMetrics(input_tokens=3, output_tokens=4, total_tokens=7)
        yield ModelResponse(response_usage=used)

    async def ainvoke(self, *args, **kwargs): ...
    def invoke(self, *args, **kwargs): ...
    def invoke_stream(self, *args, **kwargs): ...
    def _parse_provider_response(self, *args, **kwargs): ...
    def _parse_provider_response_delta(self, *args, **kwargs): ...


def weather(city: str) -> str:
    "The weather."
    return "sun"


own = Agent(name="Own", description="Has a model.", model=Own(id="m"), tools=[weather])
silent = Agent(name="Silent", model=Own(id="silent"))
broken = Agent(name="Broken", model=Own(id="broken"))
bare = Agent(name="Bare", instructions="Answer in verse.")
pair = Team(name="Pair", members=[Agent(id="inner", name="Inner")])
number = 7


def made():
    return bare
"""


def crew(*entries: AgentEntry, **more: Any) -> Crew:
    return Crew(entries, default_model="usual", **more)


def agent(found: Crew, agent_id: str) -> AgnoAgent:
    return next(each for each in found.agents() if each.card.id == agent_id)


async def answer(
    found: Crew, agent_id: str, hands: FakeHands, *messages: Message, instructions: str = ""
) -> list[Delta]:
    told: list[Delta] = []

    def hear(deltas: Sequence[Delta]) -> None:
        told.extend(deltas)

    request = ModelRequest("", messages or (user("What time is it?"),), instructions)
    await agent(found, agent_id).answer(request, hear, hands)
    return told


async def test_an_agent_asks_its_model_and_runs_the_server_s_tools() -> None:
    hands = FakeHands(by_model(timed=["Let me ", Call("1", "the_clock", '{"zone":"UTC"}')]))

    told = await answer(
        crew(CLERK), "clerk", hands, user("Hi"), user("Time?"), instructions="Kind."
    )

    assert told[0] == AgentBegins("clerk", "Clerk")
    assert told[-2:] == [AgentEnds("clerk", "Clerk"), Finish("stop")]
    assert said(told) == "Let me Done."
    assert hands.called == [("the_clock", '{"zone": "UTC"}')]
    (model, first), (_, second) = hands.asked
    assert model == "timed"
    assert [message.text for message in first.messages] == ["Hi", "Time?"]
    assert "Be brief." in first.instructions
    assert "Kind." in first.instructions
    assert [tool.name for tool in first.tools] == ["the_clock"]
    assert first.tools[0].input_schema["properties"] == {"zone": {"type": "string"}}
    assert [message.role for message in second.messages[-2:]] == ["assistant", "tool"]
    assert second.messages[-1].text == "noon"


async def test_what_was_said_before_comes_along_with_its_calls() -> None:
    call = Call("c", "the_clock", "{}")
    history = (
        user("Time?"),
        Message("", "assistant", calls=(call,)),
        Message("", "tool", user("noon").parts, call_id="c"),
        Message("", "assistant", user("Noon.").parts),
        user("And now?"),
    )
    hands = FakeHands(by_model(rhymes=["Later."]))

    assert said(await answer(crew(POET), "poet", hands, *history)) == "Later."
    ((_, asked),) = hands.asked
    assert [m.role for m in asked.messages] == ["user", "assistant", "tool", "assistant", "user"]
    assert asked.messages[1].calls == (call,)
    assert asked.messages[2].call_id == "c"


async def test_a_team_of_two_answers_once_and_its_member_thinks_aloud() -> None:
    desk = AgentEntry("desk", "Desk", model="leads", members=("clerk", "poet"))
    hands = FakeHands(by_model(leads=[delegate("clerk", "the time")], timed=["It is noon."]))

    told = await answer(crew(CLERK, POET, desk), "desk", hands)

    assert [each for each in told if not isinstance(each, Text | Reasoning)] == [
        AgentBegins("desk", "Desk"),
        AgentBegins("clerk", "Clerk"),
        AgentEnds("clerk", "Clerk"),
        AgentEnds("desk", "Desk"),
        Finish("stop"),
    ]
    assert said(told) == "Done."
    assert "".join(each.text for each in told if type(each) is Reasoning) == "It is noon."
    assert [model for model, _ in hands.asked] == ["leads", "timed", "leads"]


async def test_a_team_that_passes_on_answers_with_the_member_s_words() -> None:
    desk = AgentEntry("desk", model="leads", members=("poet",), mode="route")
    hands = FakeHands(by_model(leads=[delegate("poet", "a poem")], rhymes=["O ", "sun!"]))

    told = await answer(crew(POET, desk), "desk", hands)

    assert said(told) == "O sun!"
    assert not [each for each in told if isinstance(each, Reasoning)]


@pytest.mark.parametrize("mode", ["coordinate", "route", "broadcast"])
async def test_cancelling_ends_what_every_member_asks(mode: str) -> None:
    gate = asyncio.Event()
    all_of_them = Call("d1", "delegate_task_to_members", '{"task": "x"}')
    handing = all_of_them if mode == "broadcast" else delegate("poet", "x")
    desk = AgentEntry("desk", model="leads", members=("clerk", "poet"), mode=mode)
    hands = FakeHands(by_model(leads=[handing], timed=["a", gate], rhymes=["b", gate]))
    running = asyncio.create_task(answer(crew(CLERK, POET, desk), "desk", hands))
    async with asyncio.timeout(10):
        while hands.open < (2 if mode == "broadcast" else 1) or len(hands.asked) < 2:  # noqa: ASYNC110  # as `until`
            await asyncio.sleep(0)

    running.cancel()
    await asyncio.wait([running], timeout=5)

    assert running.cancelled()
    assert hands.open == 0


async def test_a_model_s_failure_is_the_agent_s() -> None:
    hands = FakeHands(by_model(rhymes=["half", UpstreamIncomplete("cut")]))
    with pytest.raises(UpstreamIncomplete, match="cut"):
        await answer(crew(POET), "poet", hands)

    hands = FakeHands(by_model(rhymes=[BudgetExceeded("used up")]))
    with pytest.raises(BudgetExceeded):
        await answer(crew(POET), "poet", hands)


async def test_a_member_s_failure_is_told_to_its_team_and_a_budget_ends_all() -> None:
    desk = AgentEntry("desk", model="leads", members=("poet",))
    handing = delegate("poet", "x")
    hands = FakeHands(by_model(leads=[handing], rhymes=[UpstreamUnavailable("down")]))
    assert said(await answer(crew(POET, desk), "desk", hands)) == "Done."

    hands = FakeHands(by_model(leads=[handing], rhymes=[BudgetExceeded("used up")]))
    with pytest.raises(BudgetExceeded):
        await answer(crew(POET, desk), "desk", hands)


async def test_who_goes_on_calling_tools_has_to_answer_in_the_end() -> None:
    def calls(model: str, request: ModelRequest) -> Sequence[str | Call]:
        return [Call("1", "the_clock", "{}")] if request.tools else ["Enough."]

    hands = FakeHands(calls)

    assert said(await answer(crew(CLERK, max_rounds=2), "clerk", hands)) == "Enough."
    assert len(hands.called) == 2


async def test_modules_give_agents_that_are_made_this_server_s(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MODULE)

    def entry(name: str, **more: Any) -> AgentEntry:
        return AgentEntry(name, module=f"mine.py:{name}", **more)

    found = crew(
        entry("own", tools=("the.clock",)),
        entry("bare", model="rhymes"),
        entry("made"),
        entry("pair"),
        entry("silent"),
        entry("broken"),
        folder=tmp_path,
        idle_s=0.05,
    )
    cards = {each.card.id: each.card for each in found.agents()}
    assert cards["own"].tools == ("weather", "the.clock")
    assert (cards["own"].model, cards["own"].description) == ("", "Has a model.")
    assert (cards["bare"].model, cards["made"].model) == ("rhymes", "usual")
    assert (cards["pair"].kind, cards["pair"].members) == ("team", ("inner",))

    hands = FakeHands(
        by_model(rhymes=["verse"], usual=[delegate("inner", "x")], inner=["never asked"])
    )
    assert said(await answer(found, "bare", hands)) == "verse"
    assert hands.asked[0][1].instructions == "Answer in verse."
    assert said(await answer(found, "own", hands)) == "mine"
    with pytest.raises(UpstreamTimeout):
        await answer(found, "silent", hands)
    with pytest.raises(UpstreamUnavailable) as failed:
        await answer(found, "broken", hands)
    assert "secret" not in failed.value.message


async def test_two_runs_of_one_agent_know_nothing_of_each_other() -> None:
    gate = asyncio.Event()
    slow = FakeHands(by_model(rhymes=["a", gate, "b"]))
    quick = FakeHands(by_model(rhymes=["c"]))
    found = crew(POET)
    running = asyncio.create_task(answer(found, "poet", slow))

    assert said(await answer(found, "poet", quick)) == "c"
    gate.set()

    assert said(await running) == "ab"


@pytest.mark.parametrize("target", ["mine.py:number", "mine.py:nobody"])
def test_a_module_that_gives_no_agent_is_an_error(target: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MODULE)

    with pytest.raises(ValueError, match="no Agno Agent or Team"):
        crew(AgentEntry("x", module=target), folder=tmp_path)


def test_without_the_library_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(NotInstalled, match=r"talkwire\[agents\]"):
        crew(POET)
    assert crew().agents() == []


def test_the_library_s_own_log_is_silent() -> None:
    crew(POET)

    assert not logging.getLogger("agno").isEnabledFor(logging.CRITICAL)


async def test_a_bug_is_told_by_its_kind_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from talkwire.models import _agno_build

    def breaks(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(_agno_build.Run, "make", breaks)

    with pytest.raises(ModelError) as failed:
        await answer(crew(POET), "poet", FakeHands(by_model()))
    assert failed.value.message == "The agent 'poet' failed (RuntimeError)."
