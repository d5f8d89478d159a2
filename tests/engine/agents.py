"""Agents that do what a test says, where the engine expects real ones."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from talkwire.canon.agents import ASSISTANT, AgentCard
from talkwire.canon.deltas import Delta, Hear
from talkwire.canon.errors import NotFound
from talkwire.canon.turn import ModelRequest
from talkwire.engine.agent_ports import Agent, Hands

Play = Callable[[ModelRequest, Hear, Hands], Awaitable[None]]


class FakeAgent:
    """Plays its part; `requests` are what it was asked."""

    def __init__(self, play: Play, model: str = "default") -> None:
        self.card = AgentCard("clerk", "Clerk", model=model)
        self.requests: list[ModelRequest] = []
        self._play = play

    async def answer(self, request: ModelRequest, hear: Hear, hands: Hands) -> None:
        self.requests.append(request)
        await self._play(request, hear, hands)


class FakeAgents:
    """The assistant, and one agent."""

    def __init__(self, agent: FakeAgent) -> None:
        self.agent = agent

    def cards(self) -> Sequence[AgentCard]:
        return (self.agent.card,)

    async def find(self, agent_id: str) -> Agent | None:
        if agent_id == ASSISTANT:
            return None
        if agent_id != self.agent.card.id:
            raise NotFound("There is no such agent. Known: clerk.", param="agent")
        return self.agent


async def tell(hear: Hear, *deltas: Delta | asyncio.Event) -> None:
    """Say these one by one; wait for what is an event."""
    for delta in deltas:
        if isinstance(delta, asyncio.Event):
            await delta.wait()
        elif (wait := hear([delta])) is not None:
            await wait
        else:
            await asyncio.sleep(0)
