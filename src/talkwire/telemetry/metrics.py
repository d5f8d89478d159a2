"""Turns, requests and storage as figures. A turn is counted when it has ended, from its events.

One for each application: nothing in here is shared with another one of the same process.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Collection, Sequence

from prometheus_client.registry import CollectorRegistry

from talkwire.canon.events import (
    AttemptFailed,
    AudioCompleted,
    AudioFailed,
    RouteChosen,
    Stamped,
    ToolApprovalRequested,
    ToolCalled,
    ToolFinished,
    TurnFailed,
    UsageCounted,
)
from talkwire.canon.fold import TurnState
from talkwire.telemetry import labels
from talkwire.telemetry.gauges import Gauges, Now
from talkwire.telemetry.instruments import Instruments
from talkwire.telemetry.labels import Known
from talkwire.telemetry.marks import gaps_ms, marks

Names = Callable[[], Collection[str]]


class Metrics:
    """`wires`, `models`, `tools` and `agents` name what is known now: nothing else is a label."""

    def __init__(
        self, *, version: str, wires: Collection[str], models: Names, tools: Names, agents: Names
    ) -> None:
        self.registry = CollectorRegistry()
        self.of = Instruments(self.registry)
        self.of.build.labels(version, platform.python_version()).set(1)
        self._wire = Known(lambda: wires)
        self._model = Known(models)
        self._tool = Known(tools)
        self._agent = Known(agents)
        self._codes = labels.codes()

    def watch(self, read: Callable[[], Now]) -> None:
        """From now on scrapes tell too what `read` says."""
        self.registry.register(Gauges(read))

    def turn_ended(self, turn: TurnState, events: Sequence[Stamped]) -> None:
        """Count a turn with all its events, once, where its end was stored."""
        of, among = self.of, marks(events)
        wire, model = self._wire(turn.wire), self._model(turn.model)
        took_ms = events[-1].at - turn.started_at
        of.turns.labels(wire, _status(turn)).inc()
        of.turn_time.labels(wire).observe(max(took_ms, 0) / 1000)
        if isinstance(turn.terminal, TurnFailed):
            of.turn_errors.labels(self._code(turn.terminal.code)).inc()
        if turn.adoptions:
            of.adopted.labels(wire).inc()
        if turn.asked.agent is not None:
            of.agents.labels(self._agent(turn.asked.agent)).inc()
        if turn.first_token_at is not None:
            waited_ms = turn.first_token_at - turn.started_at
            of.first_token.labels(model).observe(max(waited_ms, 0) / 1000)
        of.gaps.add(model, gaps_ms(events, among))
        if turn.asked.keep:
            self._count_messages(turn, wire, model)
        self._count_work(among, wire)

    def request_ended(
        self, method: str, route: str, status: int, seconds: float, code: str | None
    ) -> None:
        """Count a request; `route` is its template."""
        of = self.of
        of.requests.labels(labels.method(method), route, labels.status_class(status)).inc()
        of.request_time.labels(route).observe(seconds)
        if code is not None:
            of.request_errors.labels(self._code(code)).inc()

    def stored(self, operation: str, seconds: float, units: int, answered: bool) -> None:
        """Count a transaction; called in any thread."""
        self.of.store_time.labels(operation).observe(seconds)
        if operation == "commit":
            self.of.commit_units.observe(units)
        if not answered:
            self.of.store_failures.labels(operation).inc()

    def redis(self, seconds: float, answered: bool) -> None:
        """Count a command."""
        self.of.redis_time.observe(seconds)
        if not answered:
            self.of.redis_failures.inc()

    def traced(self, outcome: str, count: int) -> None:
        """Count spans that were `exported` or `dropped`, or a turn that was `refused`; called in
        any thread."""
        if outcome == "refused":
            self.of.lost_traces.inc(count)
        else:
            self.of.spans.labels(outcome).inc(count)

    def _code(self, code: str) -> str:
        return code if code in self._codes else labels.OTHER

    def _count_messages(self, turn: TurnState, wire: str, model: str) -> None:
        if turn.asked.parts:
            self.of.messages.labels(wire, model, "user").inc()
        for message in turn.messages():
            self.of.messages.labels(wire, model, message.role).inc()

    def _count_work(self, among: Sequence[Stamped], wire: str) -> None:
        of, model, calls = self.of, None, _Calls(self._tool, self.of)
        for stamped in among:
            match stamped.event:
                case UsageCounted() as usage:
                    self._count_usage(usage, wire, self._model(usage.model or model))
                case RouteChosen(model=chosen):
                    if model is not None:
                        of.fallovers.labels(self._model(model)).inc()
                    model = chosen
                case AttemptFailed():
                    of.attempts.labels(self._model(model)).inc()
                case AudioCompleted() | AudioFailed() as spoken:
                    well = isinstance(spoken, AudioCompleted)
                    of.speech.labels("completed" if well else "failed").inc()
                case _:
                    calls.take(stamped)

    def _count_usage(self, usage: UsageCounted, wire: str, model: str) -> None:
        source = "estimated" if usage.estimated else "reported"
        tokens = self.of.tokens
        tokens.labels(wire, model, "in", source).inc(usage.input_tokens)
        tokens.labels(wire, model, "out", source).inc(usage.output_tokens)
        if usage.cost is not None:
            self.of.cost.labels(model).inc(usage.cost)


class _Calls:
    """The calls of one turn, each from being asked for to its result."""

    def __init__(self, tool: Known, of: Instruments) -> None:
        self._tool = tool
        self._of = of
        self._began: dict[str, tuple[str, int]] = {}

    def take(self, stamped: Stamped) -> None:
        match stamped.event:
            case ToolCalled() as call:
                self._began[call.call_id] = (self._tool(call.name), stamped.at)
            case ToolApprovalRequested() as call:
                self._of.tool_calls.labels(self._tool(call.name), "waiting").inc()
            case ToolFinished(call_id=call_id, is_error=is_error) if call_id in self._began:
                tool, at = self._began.pop(call_id)
                self._of.tool_calls.labels(tool, "error" if is_error else "ok").inc()
                self._of.tool_time.labels(tool).observe(max(stamped.at - at, 0) / 1000)
            case _:
                pass


def _status(turn: TurnState) -> str:
    return type(turn.terminal).__name__.removeprefix("Turn").lower()
