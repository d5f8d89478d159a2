"""Agents and teams of Agno in this process: they ask this server's models and run its tools.

Agno is imported when the first entry is loaded, and never by a server without any.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import traceback
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from talkwire.canon.agents import AgentCard, AgentKind
from talkwire.canon.deltas import Hear
from talkwire.canon.errors import (
    ModelError,
    TalkwireError,
    UpstreamIncomplete,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from talkwire.canon.tools import Tool, ToolAnswer
from talkwire.canon.turn import Call, ModelRequest
from talkwire.models import _target
from talkwire.models._agno_events import Run
from talkwire.models.agent_entries import AgentEntry

if TYPE_CHECKING:
    from talkwire.models._agno_build import Made
    from talkwire.models._agno_model import Asking

_log = logging.getLogger(__name__)


class NotInstalled(ValueError):
    """Agents are configured, and the library that runs them is not there."""

    def __init__(self) -> None:
        hint = "pip install 'talkwire[agents]'"
        super().__init__(f"agents: Agno is not installed: {hint} / 未安装 Agno：{hint}")


class Hands(Protocol):
    """What an agent can do; see the engine's port of this name."""

    async def ask(self, model: str, request: ModelRequest, hear: Hear) -> tuple[Call, ...]: ...
    def offered(self) -> Mapping[str, Tool]: ...
    async def call(self, name: str, arguments: str) -> ToolAnswer: ...


class Crew:
    """All configured agents. Making it imports Agno, and executes the modules that entries name.

    `default_model` is asked where an entry names none. An agent with a model of its own may say
    nothing for `idle_s`.

    :raises NotInstalled: there are entries, and no Agno.
    :raises ValueError: a module gives no agent.
    """

    def __init__(
        self,
        entries: Sequence[AgentEntry],
        *,
        default_model: str,
        max_rounds: int = 10,
        idle_s: float = 60.0,
        folder: Path | None = None,
    ) -> None:
        if entries and importlib.util.find_spec("agno") is None:
            raise NotInstalled
        self.entries = {entry.id: entry for entry in entries}
        self.modules: dict[str, Made] = {}
        self.default_model = default_model
        self.max_rounds = max_rounds
        self.idle_s = idle_s
        if not entries:
            return
        from talkwire.models import _agno_build

        _agno_build.hush()
        for entry in entries:
            if entry.module:
                found = _target.find(entry.module, folder or Path.cwd())
                self.modules[entry.id] = _agno_build.expect_agent(found, entry)
        _agno_build.hush()

    def agents(self) -> list[AgnoAgent]:
        """Those that can be asked, in the order of the entries."""
        return [AgnoAgent(self, self.card(entry)) for entry in self.entries.values()]

    def card(self, entry: AgentEntry) -> AgentCard:
        """Who an entry is."""
        made = self.modules.get(entry.id)
        if made is None:
            kind: AgentKind = "team" if entry.members else "agent"
            return AgentCard(
                entry.id,
                entry.name or entry.id,
                entry.description,
                kind,
                entry.model or self.default_model,
                entry.tools,
                entry.members,
            )
        own = [str(name) for tool in _listed(made.tools) if (name := _name(tool))]
        members = [str(_id(each)) for each in _listed(getattr(made, "members", None))]
        return AgentCard(
            entry.id,
            entry.name or made.name or entry.id,
            entry.description or made.description or "",
            "team" if hasattr(made, "members") else "agent",
            "" if made.model is not None else entry.model or self.default_model,
            (*own, *entry.tools),
            tuple(members),
        )


class AgnoAgent:
    """Fits the port `Agent`. Each answer is a run of agents that are made for it alone."""

    def __init__(self, crew: Crew, card: AgentCard) -> None:
        self.card = card
        self._crew = crew

    async def answer(self, request: ModelRequest, hear: Hear, hands: Hands) -> None:
        """See `Agent.answer`."""
        from talkwire.models import _agno_build
        from talkwire.models._agno_model import Asking, given

        crew, who = self._crew, request.asked_for
        asking = Asking(hands.ask, crew.max_rounds)
        made = _agno_build.Run(
            crew.entries,
            crew.modules,
            asking=asking,
            offered=hands.offered(),
            call=hands.call,
            default_model=crew.default_model,
            context=request.instructions,
        )
        try:
            agent = made.make(self.card.id)
            stream: Any = agent.arun(
                [given(message) for message in request.messages],
                stream=True,
                stream_events=True,
                user_id=who.owner if who else None,
                session_id=who.turn_id if who else None,
            )
            run = Run(self.card, own_tools=made.functions)
            await self._listen(stream, run, hear, asking)
        except TalkwireError:
            raise
        except Exception as error:
            raise asking.fatal or self._fault(error) from None
        finally:
            await asking.end()
        if asking.fatal is not None:
            raise asking.fatal
        if run.error is not None:
            raise _cause(asking.failure, run.error)
        if not run.done:
            raise UpstreamIncomplete(f"The agent {self.card.id!r} ended without an end.")

    async def _listen(self, stream: Any, run: Run, hear: Hear, asking: Asking) -> None:
        loop, limit_s = asyncio.get_running_loop(), self._limit_s
        try:
            async with asyncio.timeout(limit_s) as limit, aclosing(stream) as events:
                async for event in events:
                    name = getattr(event, "event", "")
                    deltas = run.take(name, partial(_field, event))
                    if deltas and (wait := hear(deltas)) is not None:
                        await wait
                    if run.done or run.error is not None or asking.fatal is not None:
                        return
                    if limit_s is not None:
                        limit.reschedule(loop.time() + limit_s)
        except TimeoutError:
            why = f"The agent {self.card.id!r} said nothing for {limit_s or 0:g} s."
            raise UpstreamTimeout(why) from None

    @property
    def _limit_s(self) -> float | None:
        """This server's models and tools have limits of their own."""
        return None if self.card.model else self._crew.idle_s

    def _fault(self, error: Exception) -> ModelError:
        """Nothing of what was raised is told or logged but its class and its place."""
        name, frames = type(error).__name__, traceback.extract_tb(error.__traceback__)
        where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "nowhere"
        _log.warning("agent.raised: %s: %s at %s", self.card.id, name, where)
        return UpstreamUnavailable(f"The agent {self.card.id!r} failed ({name}).")


def _cause(failure: TalkwireError | None, error: ModelError) -> TalkwireError:
    """The failure of a model rather than what Agno makes of it, where it was that."""
    if failure is not None and f"({type(failure).__name__})" in error.message:
        return failure
    return error


def _field(event: Any, name: str) -> Any:
    return getattr(event, name, None)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _name(tool: Any) -> str | None:
    return getattr(tool, "name", None) or getattr(tool, "__name__", None)


def _id(member: Any) -> str:
    return getattr(member, "id", None) or getattr(member, "name", None) or "member"
