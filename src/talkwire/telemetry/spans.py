"""A turn that has ended as a tree of spans, folded from its events. No text of anybody.

The turn is the root; under it are its agents and its calls of models, each under the agent that is
at work, and under each call the tools that it asked for. Times are the events' own, in Unix
milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from talkwire.canon.agents import ASSISTANT
from talkwire.canon.events import (
    AgentCompleted,
    AgentStarted,
    AttemptFailed,
    MessageCompleted,
    RouteChosen,
    Stamped,
    TextDelta,
    ToolCalled,
    ToolFinished,
    TurnAborted,
    TurnAdopted,
    TurnCompleted,
    TurnFailed,
    UsageCounted,
)
from talkwire.canon.fold import TurnState
from talkwire.telemetry import genai
from talkwire.telemetry.marks import first_piece, marks

Value = str | int | float | bool | tuple[str, ...]
_LOST = "worker_lost"


@dataclass
class Span:
    """One piece of work. `error` is the code of what went wrong, "" for nothing."""

    name: str
    began: int
    attributes: dict[str, Value]
    ended: int = 0
    error: str = ""
    points: list[tuple[str, int, dict[str, Value]]] = field(default_factory=list)
    children: list[Span] = field(default_factory=list)


def tree(turn: TurnState, events: Sequence[Stamped], provider: Callable[[str], str]) -> Span:
    """The spans of a turn that has ended. `provider` names who has the model of a name."""
    agent = turn.asked.agent or ASSISTANT
    usage = turn.total_usage()
    root = Span(
        f"{genai.INVOKE_AGENT} {agent}",
        turn.started_at,
        {
            genai.OPERATION: genai.INVOKE_AGENT,
            genai.AGENT: agent,
            genai.CONVERSATION: turn.session_id,
            genai.INPUT_TOKENS: usage.input_tokens,
            genai.OUTPUT_TOKENS: usage.output_tokens,
            genai.TURN: turn.turn_id,
            genai.WIRE: turn.wire,
            genai.STATUS: type(turn.terminal).__name__.removeprefix("Turn").lower(),
        },
        ended=events[-1].at,
    )
    if turn.model is not None:
        root.attributes[genai.MODEL] = turn.model
    if turn.adoptions:
        root.attributes[genai.ADOPTIONS] = turn.adoptions
    work = _Work(root, provider)
    for stamped in marks(events):
        work.take(stamped)
        piece = first_piece(events, stamped.n)
        if piece is not None:
            work.said(piece)
    return root


class _Work:
    """What is under way at one event of the turn."""

    def __init__(self, root: Span, provider: Callable[[str], str]) -> None:
        self._root = root
        self._provider = provider
        self._model = ""
        self._call: Span | None = None
        self._last: Span | None = None  # the call that ended last
        self._lost: Span | None = None  # the call of a process that has died
        self._tools: dict[str, Span] = {}
        self._agents: dict[str, Span] = {}
        self._at = root.began

    def said(self, piece: Stamped) -> None:
        """The model says something."""
        call = self._call
        if call is None or genai.FIRST_CHUNK in call.attributes:
            return
        call.attributes[genai.FIRST_CHUNK] = (piece.at - call.began) / 1000
        kind = "text" if isinstance(piece.event, TextDelta) else "reasoning"
        call.points.append((genai.FIRST_PIECE, piece.at, {"kind": kind}))

    def take(self, stamped: Stamped) -> None:
        at = stamped.at
        match stamped.event:
            case RouteChosen() as route:
                self._route(route, at)
            case AttemptFailed() as attempt if self._call is not None:
                told: dict[str, Value] = {
                    genai.ATTEMPT: attempt.attempt,
                    genai.REASON: attempt.reason,
                }
                self._call.points.append((genai.ATTEMPT_FAILED, at, told))
            case UsageCounted() as usage:
                self._count(usage, at)
            case MessageCompleted(message=message):
                self._call = None  # if one is open, it was said without a model
                self._finished_for(message.finish_reason or "stop")
            case ToolCalled() | ToolFinished() as event:
                self._tool(event, at)
            case TurnAdopted():
                self._lost = self._call
                self._end_all(self._at, _LOST)
                self._begin_call(at)
            case AgentStarted() | AgentCompleted() as event:
                self._agent(event, at)
            case TurnCompleted() | TurnFailed() | TurnAborted() as end:
                self._finish(end, at)
            case _:
                pass
        self._at = at

    def _route(self, route: RouteChosen, at: int) -> None:
        if self._model:  # it takes over
            why = route.reasons[-1].rpartition(": ")[2] if route.reasons else ""
            self._cut(at, why or "failed")
        self._model = route.model
        self._begin_call(at)

    def _begin_call(self, at: int, model: str = "") -> Span | None:
        model = model or self._model
        self._call = None
        if model:
            self._call = Span(
                f"{genai.CHAT} {model}",
                at,
                {
                    genai.OPERATION: genai.CHAT,
                    genai.PROVIDER: self._provider(model),
                    genai.MODEL: model,
                },
            )
        return self._call

    def _end_call(self, at: int, error: str = "") -> None:
        call, self._call = self._call, None
        if call is not None:
            self._put(call, at, error, self._under)
            self._last = call

    @property
    def _under(self) -> Span:
        """The agent that is at work, or else the turn."""
        return next(reversed(self._agents.values()), self._root)

    def _finished_for(self, reason: str) -> None:
        """Why the last call has ended, where that was not told yet."""
        if self._last is not None:
            self._last.attributes.setdefault(genai.FINISH_REASONS, (reason,))

    def _cut(self, at: int, error: str) -> None:
        """The model failed: the call that is open, or the one whose usage was told right before."""
        if self._call is not None:
            self._end_call(at, error)
        elif self._last is not None and genai.FINISH_REASONS not in self._last.attributes:
            self._last.error = error
            self._last.attributes[genai.ERROR] = error

    def _count(self, usage: UsageCounted, at: int) -> None:
        """What a call has used, with which it ends. Of one that nobody knew of (a decision, a
        summary, what an agent asks) it is all that is known."""
        lost, self._lost = self._lost, None
        if lost is not None:
            _add(lost, usage)
            return
        before = self._call
        if before is not None and usage.model in (None, self._model):
            before = None
        else:
            self._begin_call(self._at, usage.model or "")
        if self._call is not None:
            _add(self._call, usage)
            self._end_call(at)
        self._call = before

    def _tool(self, event: ToolCalled | ToolFinished, at: int) -> None:
        if isinstance(event, ToolCalled):
            self._finished_for("tool_calls")
            self._tools[event.call_id] = Span(
                f"{genai.EXECUTE_TOOL} {event.name}",
                at,
                {
                    genai.OPERATION: genai.EXECUTE_TOOL,
                    genai.TOOL: event.name,
                    genai.TOOL_CALL_ID: event.call_id,
                },
            )
        elif event.call_id in self._tools:
            error = "tool_error" if event.is_error else ""
            self._put(self._tools.pop(event.call_id), at, error, self._last or self._root)
            if not self._tools:
                self._begin_call(at)

    def _agent(self, event: AgentStarted | AgentCompleted, at: int) -> None:
        if isinstance(event, AgentStarted):
            self._agents[event.agent_id] = Span(
                f"{genai.INVOKE_AGENT} {event.name}",
                at,
                {
                    genai.OPERATION: genai.INVOKE_AGENT,
                    genai.AGENT: event.name,
                    genai.AGENT_ID: event.agent_id,
                },
            )
        elif event.agent_id in self._agents:
            span = self._agents.pop(event.agent_id)
            self._put(span, at, "", self._under)

    def _finish(self, end: TurnCompleted | TurnFailed | TurnAborted, at: int) -> None:
        root = self._root
        match end:
            case TurnFailed(code=code):
                root.error = code
                root.attributes[genai.ERROR] = code
                self._cut(at, code)
                self._end_all(at, code)
            case TurnAborted(by=by):
                root.attributes[genai.ABORTED_BY] = by
                self._end_all(at, "")
            case TurnCompleted(finish_reason=reason):
                root.attributes[genai.FINISH_REASONS] = (reason,)
                self._call = None  # none was made, where nothing is known of it
                self._end_all(at, "")

    def _end_all(self, at: int, error: str) -> None:
        self._end_call(at, error)
        for tool in self._tools.values():
            self._put(tool, at, error, self._last or self._root)
        while self._agents:
            _, agent = self._agents.popitem()
            self._put(agent, at, error, self._under)
        self._tools = {}

    @staticmethod
    def _put(span: Span, at: int, error: str, under: Span) -> None:
        span.ended, span.error = max(at, span.began), error
        if error:
            span.attributes[genai.ERROR] = error
        under.children.append(span)


def _add(call: Span, usage: UsageCounted) -> None:
    told: Mapping[str, int] = {
        genai.INPUT_TOKENS: usage.input_tokens,
        genai.OUTPUT_TOKENS: usage.output_tokens,
    }
    for name, tokens in told.items():
        before = call.attributes.get(name, 0)
        call.attributes[name] = tokens + (before if isinstance(before, int) else 0)
    call.attributes[genai.ESTIMATED] = usage.estimated
