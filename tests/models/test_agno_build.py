"""Agno's objects out of entries. How they work: tests/models/test_agno.py."""

from __future__ import annotations

import json
from typing import Any

import pytest
from agno.agent import Agent
from agno.team import Team, TeamMode

from talkwire.canon.tools import ToolAnswer
from talkwire.models import _agno_build
from talkwire.models._agno_model import Asking, ServerModel
from talkwire.models.agent_entries import ALL_TOOLS, AgentEntry
from tests.models.hands import CLOCK, FakeHands, by_model

ENTRIES = [
    AgentEntry("clerk", "Clerk", model="small", tools=("the.clock",)),
    AgentEntry("poet", tools=(ALL_TOOLS,)),
    AgentEntry("desk", members=("clerk", "poet"), mode="broadcast"),
]


def run(entries: list[AgentEntry], modules: dict[str, Any] | None = None) -> _agno_build.Run:
    hands = FakeHands(by_model())

    async def call(name: str, arguments: str) -> ToolAnswer:
        return ToolAnswer(f"{name} {json.loads(arguments)}")

    return _agno_build.Run(
        {entry.id: entry for entry in entries},
        modules or {},
        asking=Asking(hands.ask),
        offered={"the_clock": CLOCK},
        call=call,
        default_model="usual",
        context="Kind.",
    )


def listed(made: Any) -> list[Any]:
    """Its tools."""
    assert isinstance(made.tools, list)
    return made.tools


async def test_an_entry_is_an_agent_with_its_model_and_tools_and_no_telemetry() -> None:
    made = run(ENTRIES).make("clerk")

    assert isinstance(made, Agent)
    assert (made.id, made.name, made.telemetry, made.db) == ("clerk", "Clerk", False, None)
    assert isinstance(made.model, ServerModel)
    assert made.model.id == "small"
    assert made.additional_context == "Kind."
    (tool,) = listed(made)
    assert await tool.entrypoint(zone="UTC") == "the_clock {'zone': 'UTC'}"


def test_members_are_made_with_their_team() -> None:
    made = run(ENTRIES).make("desk")

    assert isinstance(made, Team)
    assert made.mode is TeamMode.broadcast
    members = made.members
    assert isinstance(members, list)
    assert [member.id for member in members] == ["clerk", "poet"]
    assert not any(each.telemetry for each in (made, *members))
    assert [len(listed(member)) for member in members] == [1, 1]
    models = {id(each.model) for each in (made, *members)}
    assert len(models) == 3


def test_somebody_else_s_agent_is_copied_and_filled_in() -> None:
    inner = Agent(name="Inner")
    theirs = Team(name="Theirs", members=[inner], additional_context="Own.")

    made = run([AgentEntry("t", model="small", tools=(ALL_TOOLS,))], {"t": theirs}).make("t")

    assert made is not theirs
    assert theirs.model is None
    assert inner.model is None
    assert (made.id, made.telemetry) == ("t", False)
    assert isinstance(made.model, ServerModel)
    assert made.additional_context == "Own.\n\nKind."
    assert isinstance(made, Team)
    assert isinstance(made.members, list)
    assert isinstance(made.members[0].model, ServerModel)
    assert made.members[0].telemetry is False


def test_what_a_module_names_is_an_agent_or_makes_one() -> None:
    agent, entry = Agent(name="A"), AgentEntry("a")

    assert _agno_build.expect_agent(agent, entry) is agent
    assert _agno_build.expect_agent(lambda: agent, entry) is agent
    for other in (None, 7, lambda: 7):
        with pytest.raises(ValueError, match="'a'"):
            _agno_build.expect_agent(other, entry)
