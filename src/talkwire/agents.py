"""Who can be asked by name: the assistant, agents and teams in this process, and those elsewhere.

The library that runs agents in this process is imported where some are configured, and only then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING

from talkwire.canon.agents import ASSISTANT, AgentCard
from talkwire.canon.errors import NotFound, Unavailable
from talkwire.engine.agent_ports import Agent
from talkwire.engine.assistant import Assistant
from talkwire.engine.ports import Models, Tools
from talkwire.settings import AgentSettings, Settings
from talkwire.toolbox import alike

if TYPE_CHECKING:
    from talkwire.models.agentos import AgentOs

OPEN_WITHIN_S = 2.0
CHECK_WITHIN_S = 1.5
_MODES = {"collaborate": "broadcast"}  # as it was called before
_SHOWN = 50  # names in a message


class Roster:
    """Fits the ports `Agents` and `Directory`. An agent here hides one elsewhere that has its id.

    `routes` tells whether anything can answer without the server of agents elsewhere.
    """

    def __init__(
        self,
        assistant: Assistant,
        here: Sequence[Agent] = (),
        elsewhere: AgentOs | None = None,
        *,
        routes: Callable[[], bool] = lambda: True,
    ) -> None:
        self._assistant = assistant
        self._here = {agent.card.id: agent for agent in here}
        self._elsewhere = elsewhere
        self._routes = routes

    def cards(self) -> tuple[AgentCard, ...]:
        """All of them, the assistant first; no I/O."""
        known = {**self._far(), **self._here}
        order = dict.fromkeys([*self._here, *known])
        return (*self._assistant.cards(), *(known[each].card for each in order))

    async def find(self, agent_id: str) -> Agent | None:
        """See `Directory.find`. A server that has never told of its agents is asked now."""
        if agent_id == ASSISTANT:
            return None
        if (agent := self._here.get(agent_id)) is not None:
            return agent
        far = self._far()
        if agent_id not in far and self._elsewhere is not None:
            await self._elsewhere.look()
            far = self._far()
        if agent_id in far:
            return far[agent_id]
        if self._elsewhere is not None and not self._elsewhere.listed:
            why = f"Which agents there are is not known: {self._elsewhere.why}"
            raise Unavailable(why)
        raise NotFound(self._unknown(agent_id), param="agent")

    @property
    def elsewhere(self) -> AgentOs | None:
        """The server of agents elsewhere, for who wants to know how it is: see its `check`."""
        return self._elsewhere

    async def open(self, stack: AsyncExitStack) -> None:
        """Look at the server of agents elsewhere from now on, until `stack` is closed. It is waited
        for a moment, so that the first listing has its agents; the server starts in any case.
        """
        server = self._elsewhere
        if server is None:
            return
        stack.push_async_callback(server.close)
        with suppress(TimeoutError):
            async with asyncio.timeout(OPEN_WITHIN_S):
                await server.look()
        watching = asyncio.create_task(server.watch())
        stack.push_async_callback(_end, watching)

    def degraded(self) -> Mapping[str, str]:
        """What is wrong with the server of agents elsewhere, under the name `agentos`."""
        why = "" if self._elsewhere is None else self._elsewhere.why
        return {"agentos": why} if why else {}

    async def check(self) -> None:
        """Can anything answer, as far as agents go?

        :raises Unavailable: the server of agents does not answer, and nothing else is there.
        """
        server = self._elsewhere
        if server is None or self._routes():
            return
        why = f"{server.server} does not answer."
        with suppress(TimeoutError):
            async with asyncio.timeout(CHECK_WITHIN_S):
                await server.look()
                why = server.why
        if why:
            raise Unavailable(f"{why} Nothing else can answer.")

    def _far(self) -> Mapping[str, Agent]:
        agents = () if self._elsewhere is None else self._elsewhere.agents()
        return {agent.card.id: agent for agent in agents}

    def _unknown(self, agent_id: str) -> str:
        names = [card.id for card in self.cards()]
        near = alike(agent_id[:100], names)[:1]
        hint = f" Did you mean {near[0]!r}?" if near else ""
        known = ", ".join(names[:_SHOWN])
        return f"There is no agent {agent_id[:100]!r}.{hint} Known: {known}."


def roster(settings: Settings, models: Models, tools: Tools | None) -> Roster:
    """The agents that settings ask for, not open yet. Modules that they name are executed.

    :raises ValueError: an entry, or the address of the server of agents, cannot be used.
    """
    here = _here(settings, models, tools) if settings.agents else []
    own = any(not agent.card.model for agent in here)
    elsewhere = None
    if settings.agno.api_url is not None:
        from talkwire.models.agentos import AgentOs

        asked = settings.agno
        elsewhere = AgentOs(asked.api_url or "", asked.api_key, timeout_s=asked.timeout)

    def routes() -> bool:
        """A model that stands in for none is no route."""
        there = (each for each in models.standings() if each.reachable)
        return own or any(settings.use_mock or each.model_type != "scripted" for each in there)

    return Roster(Assistant(models, tools), here, elsewhere, routes=routes)


def _here(settings: Settings, models: Models, tools: Tools | None) -> Sequence[Agent]:
    from talkwire.models.agent_entries import ALL_TOOLS, AgentEntry
    from talkwire.models.agno import Crew

    def entry(asked: AgentSettings) -> AgentEntry:
        _expect_model(asked, models, settings)
        if tools is None or not settings.mcpServers:  # those of servers come and go
            known = [] if tools is None else [tool.name for tool in tools.offered()]
            _expect_tools(asked, [*known, ALL_TOOLS])
        return AgentEntry(
            asked.id,
            asked.name,
            asked.description,
            asked.instructions,
            "" if settings.use_mock else asked.model or "",
            asked.tools,
            asked.members,
            _MODES.get(asked.mode, asked.mode),
            asked.module or "",
        )

    crew = Crew(
        [entry(each) for each in settings.agents],
        default_model=models.names()[0],
        max_rounds=settings.tools.max_rounds,
        idle_s=settings.agno.timeout,
    )
    return crew.agents()


def _expect_model(asked: AgentSettings, models: Models, settings: Settings) -> None:
    if asked.model is None or settings.use_mock:
        return
    try:
        models.resolve(asked.model)
    except NotFound as error:
        raise ValueError(f"agents: the model of {asked.id!r}: {error.message}") from None


def _expect_tools(asked: AgentSettings, known: Sequence[str]) -> None:
    for name in asked.tools:
        if name not in known:
            near = alike(name, known)[:1]
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(f"agents: the tools of {asked.id!r} name no such tool{hint}")


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
