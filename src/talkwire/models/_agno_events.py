"""What a run of an Agno agent or team tells, as deltas; in this process and elsewhere alike.

The run that was asked for says the answer. What its members say to it is thinking: it writes the
answer from that, and a reader would else see it twice. Where a team only passes a question on,
Agno itself tells the member's words as the team's, so that they are the answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import Any

from talkwire.canon.agents import AgentCard
from talkwire.canon.deltas import (
    AgentBegins,
    AgentEnds,
    Called,
    Delta,
    Finish,
    Reasoning,
    Returned,
    Text,
    Used,
)
from talkwire.canon.errors import (
    ModelError,
    UpstreamIncomplete,
    UpstreamRejected,
    UpstreamUnavailable,
)
from talkwire.models._reading import without_surrogates

NAME_CHARS = 200
OURS = "talkwire"
"""The provider of models that are this server's: what they use is counted where they are asked."""

# How a team hands work to its members: told as their beginning and end.
_HANDING_ON = frozenset(
    {
        "delegate_task_to_member",
        "delegate_task_to_members",
        "execute_task",
        "execute_tasks_parallel",
    }
)

Get = Callable[[str], Any]
"""A field of an event, None where it has none."""


class Run:
    """One run. `own_tools` are told by whoever runs them, and not here. `done` once it has ended
    well; `error` is what it has failed with.
    """

    def __init__(self, card: AgentCard, *, own_tools: Collection[str] = ()) -> None:
        self.done = False
        self.error: ModelError | None = None
        self._card = card
        self._own_tools = own_tools
        self._top: str | None = None
        self._open: dict[str, tuple[str, str]] = {}  # runs that have begun, in their order
        self._calls: dict[str, str] = {}  # calls without a result: their id -> run
        self._thought: dict[str, str] = {}  # what a run has thought in steps
        self._said = False
        self._doing: dict[str, Callable[[str, Get], list[Delta]]] = {
            "RunStarted": self._started,
            "RunContent": self._content,
            "RunIntermediateContent": self._intermediate,
            "ReasoningContentDelta": self._thinks,
            "ReasoningStep": self._step,
            "ToolCallStarted": self._called,
            "ToolCallCompleted": self._returned,
            "ToolCallError": self._returned,
            "ModelRequestCompleted": self._used,
            "RunCompleted": self._completed,
            "RunError": self._failed,
            "RunCancelled": self._cancelled,
            "RunPaused": self._paused,
        }

    def take(self, name: str, get: Get) -> list[Delta]:
        """The deltas of an event. Nothing is taken after an end."""
        doing = self._doing.get(name.removeprefix("Team"))
        if doing is None or self.done or self.error is not None:
            return []
        return doing(text_of(get("run_id")), get)

    def _started(self, run: str, get: Get) -> list[Delta]:
        if self._top is None:
            self._top = run
            who = (self._card.id, self._card.name)
        else:
            told_id = get("agent_id") or get("team_id")
            told_name = get("agent_name") or get("team_name") or told_id
            who = (short(told_id), short(told_name))
        if run in self._open:
            return []
        self._open[run] = who
        return [AgentBegins(*who)]

    def _content(self, run: str, get: Get) -> list[Delta]:
        deltas: list[Delta] = []
        if thought := text_of(get("reasoning_content")):
            deltas.append(Reasoning(thought))
        if said := text_of(get("content")):
            deltas.append(self._words(run, said))
        return deltas

    def _words(self, run: str, said: str) -> Delta:
        if run != self._top:
            return Reasoning(said)
        self._said = True
        return Text(said)

    def _intermediate(self, run: str, get: Get) -> list[Delta]:
        said = text_of(get("content"))
        return [Reasoning(said)] if said else []

    def _thinks(self, run: str, get: Get) -> list[Delta]:
        thought = text_of(get("reasoning_content"))
        return [Reasoning(thought)] if thought else []

    def _step(self, run: str, get: Get) -> list[Delta]:
        """A step of thinking, which is told with all that came before it."""
        thought = text_of(get("reasoning_content"))
        new = thought.removeprefix(self._thought.get(run, ""))
        self._thought[run] = thought
        return [Reasoning(new)] if new else []

    def _called(self, run: str, get: Get) -> list[Delta]:
        tool = _fields(get("tool"))
        name, call = text_of(tool("tool_name")), text_of(tool("tool_call_id"))
        if not name or name in _HANDING_ON or name in self._own_tools:
            return []
        call_id = f"{run}/{call}"
        self._calls[call_id] = run
        arguments = tool("tool_args")
        return [Called(call_id, short(name), _json(arguments if arguments else {}))]

    def _returned(self, run: str, get: Get) -> list[Delta]:
        tool = _fields(get("tool"))
        call_id = f"{run}/{text_of(tool('tool_call_id'))}"
        if self._calls.pop(call_id, None) is None:
            return []
        fault = text_of(get("error"))
        result = text_of(tool("result")) or fault
        return [Returned(call_id, result, is_error=bool(tool("tool_call_error")) or bool(fault))]

    def _used(self, run: str, get: Get) -> list[Delta]:
        given, said = get("input_tokens"), get("output_tokens")
        if get("model_provider") == OURS or not (_is_count(given) and _is_count(said)):
            return []
        return [Used(given, said)] if given or said else []

    def _completed(self, run: str, get: Get) -> list[Delta]:
        deltas: list[Delta] = []
        if run == self._top:
            # What was not streamed, since it is no text or comes from a hook, comes whole.
            whole = "" if self._said else text_of(get("content"))
            deltas += [Text(whole)] if whole else []
            self.done = True
            deltas += self._ended(*reversed(self._open))
            return [*deltas, Finish("stop")]
        return self._ended(run)

    def _failed(self, run: str, get: Get) -> list[Delta]:
        if run == self._top or self._top is None:
            kind = short(get("error_type") or "an error")
            self.error = UpstreamUnavailable(f"The agent {self._card.id!r} failed ({kind}).")
            return self._ended(*reversed(self._open))
        return self._ended(run)

    def _cancelled(self, run: str, get: Get) -> list[Delta]:
        if run == self._top:
            why = f"The run of the agent {self._card.id!r} was cancelled where it runs."
            self.error = UpstreamIncomplete(why)
            return self._ended(*reversed(self._open))
        return self._ended(run)

    def _paused(self, run: str, get: Get) -> list[Delta]:
        if run != self._top:
            return []
        self.error = UpstreamRejected(
            f"The agent {self._card.id!r} waits for a person, who cannot be asked here."
        )
        return self._ended(*reversed(self._open))

    def _ended(self, *runs: str) -> list[Delta]:
        """These runs are over; calls that they have told no result of are not told one later."""
        deltas: list[Delta] = []
        for run in runs:
            if (who := self._open.pop(run, None)) is not None:
                for call in [call for call, of in self._calls.items() if of == run]:
                    del self._calls[call]
                    deltas.append(Returned(call, "interrupted", is_error=True))
                deltas.append(AgentEnds(*who))
        return deltas


def text_of(value: Any) -> str:
    """What an event says, as text; what is no text as JSON."""
    if isinstance(value, str):
        return value if value.isascii() else str(without_surrogates(value))
    return "" if value is None else _json(value)


def short(value: Any) -> str:
    """A name that somebody else has given."""
    return " ".join(text_of(value).split())[:NAME_CHARS]


def _json(value: Any) -> str:
    if hasattr(value, "model_dump"):
        value = value.model_dump()
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        return str(type(value).__name__)


def _fields(value: Any) -> Get:
    if isinstance(value, dict):
        return value.get
    return lambda name: getattr(value, name, None)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
