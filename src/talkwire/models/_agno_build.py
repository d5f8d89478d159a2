"""Agno's agents and teams out of entries, anew for each run. Importing this imports Agno."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

from agno.agent import Agent
from agno.team import Team, TeamMode
from agno.tools.function import Function

from talkwire.canon.tools import Tool, ToolAnswer
from talkwire.models._agno_model import Asking, ServerModel
from talkwire.models.agent_entries import ALL_TOOLS, AgentEntry

Made = Agent | Team
Call = Callable[[str, str], Coroutine[Any, Any, ToolAnswer]]
_LOGGERS = ("agno", "agno-team", "agno-workflow")


def hush() -> None:
    """Have Agno log nothing: its lines hold what users and tools have said, and go past ours."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = False
        logger.addHandler(logging.NullHandler())
        logger.setLevel(logging.CRITICAL + 1)


def expect_agent(found: Any, entry: AgentEntry) -> Made:
    """What an entry's target names: an agent, a team, or a function that makes one.

    :raises ValueError: it is none of these.
    """
    if callable(found) and not isinstance(found, Agent | Team):
        found = found()
    if isinstance(found, Agent | Team):
        return found
    raise ValueError(
        f"agents: the module of {entry.id!r} gives {type(found).__name__}, and no Agno Agent or "
        "Team."
    )


class Run:
    """The agents of one run. `asking` is what their models share, `functions` the tools of this
    server that they have been given, by name.
    """

    def __init__(
        self,
        entries: Mapping[str, AgentEntry],
        modules: Mapping[str, Made],
        *,
        asking: Asking,
        offered: Mapping[str, Tool],
        call: Call,
        default_model: str,
        context: str,
    ) -> None:
        self.asking = asking
        self.functions: dict[str, Function] = {}
        self._entries = entries
        self._modules = modules
        self._offered = offered
        self._call = call
        self._default = default_model
        self._context = context

    def make(self, agent_id: str) -> Made:
        """The agent that is asked, and all that work for it."""
        made = self._make(self._entries[agent_id])
        if self._context:
            own = made.additional_context
            made.additional_context = f"{own}\n\n{self._context}" if own else self._context
        return made

    def _make(self, entry: AgentEntry) -> Made:
        if entry.id in self._modules:
            made = self._modules[entry.id].deep_copy()
            self._fit(made, entry)
            made.id = entry.id
            return made
        alike: dict[str, Any] = {
            "id": entry.id,
            "name": entry.name,
            "description": entry.description or None,
            "instructions": entry.instructions or None,
            "model": self._model(entry),
            "tools": self._tools(entry.tools) or None,
            "telemetry": False,
        }
        if not entry.members:
            return Agent(**alike)
        members = [self._make(self._entries[each]) for each in entry.members]
        mode = TeamMode(entry.mode)
        return Team(**alike, members=members, mode=mode, stream_member_events=True)

    def _fit(self, made: Made, entry: AgentEntry) -> None:
        """Make somebody else's agent one of this server's: what it leaves open is filled in."""
        made.telemetry = False
        if made.model is None:
            made.model = self._model(entry)
        if tools := self._tools(entry.tools):
            own = made.tools if isinstance(made.tools, list) else []
            made.tools = [*own, *tools]
        if isinstance(made, Team):
            made.stream_member_events = True
            for member in made.members if isinstance(made.members, list) else []:
                if isinstance(member, Agent | Team):
                    self._fit(member, AgentEntry("", model=entry.model))

    def _model(self, entry: AgentEntry) -> ServerModel:
        return ServerModel(id=entry.model or self._default, asking=self.asking)

    def _tools(self, names: Sequence[str]) -> list[Function]:
        wanted = {
            spoken: tool
            for spoken, tool in self._offered.items()
            if tool.name in names or ALL_TOOLS in names
        }
        return [self._function(spoken, tool) for spoken, tool in wanted.items()]

    def _function(self, spoken: str, tool: Tool) -> Function:
        if spoken not in self.functions:
            self.functions[spoken] = Function(
                name=spoken,
                description=tool.description,
                parameters=tool.input_schema,
                entrypoint=self._entrypoint(spoken),
                skip_entrypoint_processing=True,
            )
        return self.functions[spoken].model_copy()

    def _entrypoint(self, name: str) -> Callable[..., Awaitable[str]]:
        async def run(**arguments: Any) -> str:
            given = json.dumps(arguments, ensure_ascii=False, default=str)
            answer = await self.asking.begin(self._call(name, given))
            return answer.result

        return run
