"""Deltas to events: the only place that puts a model's fragments together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from talkwire.canon.deltas import (
    AgentBegins,
    AgentEnds,
    Called,
    CallPiece,
    Deed,
    Delta,
    Finish,
    Reasoning,
    Retry,
    Returned,
    Text,
    Tokens,
    Used,
)
from talkwire.canon.events import (
    AgentCompleted,
    AgentStarted,
    AnyEvent,
    AttemptFailed,
    ReasoningDelta,
    TextDelta,
    ToolCalled,
    ToolFinished,
    UsageCounted,
)
from talkwire.canon.turn import FinishReason, ModelRequest, Plan
from talkwire.engine import ids
from talkwire.engine.cutting import head
from talkwire.engine.metering import Stream

OWN_RESULT_CHARS = 8_000
"""What is kept of what an agent's own tool has returned: the agent itself has seen all of it."""

MOST_TOKENS = 10**12
"""What one answer may be said to have used. No model gets near it; storage holds the sum of many,
and not just any number that somebody sends: with such a one a turn's end could not be stored.
"""


class Assembler:
    """Takes one answer's deltas in, gives its events out.

    Tool calls come out whole, and only at the end: a call that a broken stream cut in half is
    never seen by anybody. Text comes out as it comes in, and so does what an agent does; the calls
    that it makes get ids that are like no others.
    """

    def __init__(self, call_prefix: str) -> None:
        self.finish_reason: FinishReason | None = None
        self.usage: Tokens | None = None
        self.counted = False  # an agent has told what one of its models has used
        self._call_prefix = call_prefix
        self._calls: list[list[str]] = []  # [id, name, pieces of arguments …]
        self._open: dict[int, list[str]] = {}  # index -> the call that its next piece belongs to
        self._running: dict[str, str] = {}  # an agent's calls without a result: its id -> ours

    def feed(self, deltas: Sequence[Delta]) -> list[AnyEvent]:
        """The events of one read; adjacent texts become one."""
        if len(deltas) == 1 and type(deltas[0]) is Text:
            return [TextDelta(deltas[0].text)] if deltas[0].text else []
        events: list[AnyEvent] = []
        texts: list[str] = []
        for delta in deltas:
            if type(delta) is Text:
                texts.append(delta.text)
                continue
            self._flush(texts, events)
            self._rare(delta, events)
        self._flush(texts, events)
        return events

    def calls(self) -> list[ToolCalled]:
        """The whole calls, in the order in which the model began them, each id once."""
        found: dict[str, ToolCalled] = {}
        for number, (call_id, name, *pieces) in enumerate(self._calls):
            if not call_id or call_id in found:
                call_id = f"{self._call_prefix}_{number}"
            found[call_id] = ToolCalled(call_id, name, "".join(pieces) or "{}")
        return list(found.values())

    @property
    def called(self) -> list[str]:
        """All that was said of calls so far, piece by piece."""
        return [piece for _, *pieces in self._calls for piece in pieces]

    @staticmethod
    def _flush(texts: list[str], events: list[AnyEvent]) -> None:
        joined = "".join(texts)
        texts.clear()
        if joined:
            events.append(TextDelta(joined))

    def _rare(self, delta: Delta, events: list[AnyEvent]) -> None:
        if isinstance(delta, Reasoning):
            if delta.text:
                events.append(ReasoningDelta(delta.text))
        elif isinstance(delta, CallPiece):
            self._piece(delta)
        elif isinstance(delta, Tokens):
            self.usage = Tokens(_bounded(delta.input_tokens), _bounded(delta.output_tokens))
        elif isinstance(delta, Retry):
            events.append(
                AttemptFailed(delta.attempt, delta.max_attempts, delta.delay_ms, delta.reason)
            )
        elif isinstance(delta, Finish):
            self.finish_reason = delta.reason
        elif isinstance(delta, Deed):
            self._deed(delta, events)

    def left_running(self) -> list[AnyEvent]:
        """Results for an agent's calls that it has told nothing more of: none is left without."""
        ours, self._running = list(self._running.values()), {}
        why = "The agent has told no result."
        return [ToolFinished(each, why, is_error=True) for each in ours]

    def _deed(self, deed: Deed, events: list[AnyEvent]) -> None:
        match deed:
            case AgentBegins():
                events.append(AgentStarted(deed.agent_id, deed.name))
            case AgentEnds():
                events.append(AgentCompleted(deed.agent_id, deed.name))
            case Called():
                ours = self._running[deed.call_id] = ids.call_id()
                events.append(ToolCalled(ours, deed.name, deed.arguments))
            case Returned():
                if (known := self._running.pop(deed.call_id, None)) is not None:
                    events.append(_finished(known, deed))
            case Used():
                self.counted = True
                given, said = _bounded(deed.input_tokens), _bounded(deed.output_tokens)
                events.append(UsageCounted(given, said))
            case _ as never:
                assert_never(never)

    def _piece(self, piece: CallPiece) -> None:
        call = self._open.get(piece.index)
        # Some servers give parallel calls one index: a new name under a new id is a new call.
        other = call is not None and call[0] and piece.call_id not in ("", call[0])
        if call is None or (other and piece.name):
            call = self._open[piece.index] = ["", ""]
            self._calls.append(call)
        call[0] = call[0] or piece.call_id
        call[1] = call[1] or piece.name
        call.append(piece.arguments)


@dataclass(eq=False)
class Answering:
    """A model that is being asked for the answer just now: what, on which plan, and what came.

    `stream` counts it where a budget bounds it. `cut`: it ended because it was stopped or took too
    long, not because the model failed. `counts`: an agent asks models of this server, each of which
    is counted where it is asked.
    """

    request: ModelRequest
    plan: Plan
    assembler: Assembler
    stream: Stream | None = None
    cut: bool = False
    counts: bool = False


def _finished(ours: str, deed: Returned) -> ToolFinished:
    result = head(deed.result, OWN_RESULT_CHARS)
    cut = len(result) < len(deed.result)
    return ToolFinished(ours, result, is_error=deed.is_error, truncated=cut)


def _bounded(tokens: int) -> int:
    return min(max(tokens, 0), MOST_TOKENS)
