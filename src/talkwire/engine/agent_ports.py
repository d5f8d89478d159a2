"""The doors between a turn and the agents that answer it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from talkwire.canon.agents import AgentCard
from talkwire.canon.deltas import Hear
from talkwire.canon.tools import Tool, ToolAnswer
from talkwire.canon.turn import Call, ModelRequest


class Hands(Protocol):
    """What an agent can do while it answers one turn. All of it is counted and bounded as what the
    turn does itself, and runs no longer than the turn.
    """

    async def ask(self, model: str, request: ModelRequest, hear: Hear) -> tuple[Call, ...]:
        """Ask a model of this server; the tools that it wants called. `hear` is told its text and
        thinking as they come; the request's model, temperature and bound are those of the model.

        :raises ModelError: neither it nor one of its fallbacks can answer.
        :raises BudgetExceeded: nothing is left.
        """
        ...

    def offered(self) -> Mapping[str, Tool]:
        """The tools there are now, by the names that models are told."""
        ...

    async def call(self, name: str, arguments: str) -> ToolAnswer:
        """Run a tool of this server, by the name that models are told. `arguments` is JSON text.
        Whatever goes wrong is its answer; one that a person has to agree to is not run.
        """
        ...


class Agent(Protocol):
    """One agent, or a team of them."""

    @property
    def card(self) -> AgentCard:
        """Who it is; a `model` of this server that it asks, or "" where that is its own affair."""
        ...

    async def answer(self, request: ModelRequest, hear: Hear, hands: Hands) -> None:
        """Answer, and tell `hear` what it says and does. Returns after `Finish`. Cancellation ends
        all that it has begun at once.

        Only what is the answer is `Text`; what members of a team say to each other is `Reasoning`.

        :raises ModelError: it cannot; `UpstreamIncomplete` where it was cut off.
        :raises TalkwireError: what `hands` has raised.
        """
        ...


class Directory(Protocol):
    """Who answers by name; see also `ports.Agents`."""

    async def find(self, agent_id: str) -> Agent | None:
        """The agent of this id; None is the assistant, which is the model as it is.

        :raises NotFound: there is none; the message names the known ones.
        :raises Unavailable: it may be one of a server's that does not answer.
        """
        ...
