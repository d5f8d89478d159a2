"""Deltas to events: the only place that puts a model's fragments together."""

from __future__ import annotations

from collections.abc import Sequence

from talkwire.canon.deltas import CallPiece, Delta, Finish, Reasoning, Retry, Text, Tokens
from talkwire.canon.events import (
    AnyEvent,
    AttemptFailed,
    ReasoningDelta,
    TextDelta,
    ToolCalled,
    UsageCounted,
)
from talkwire.canon.turn import FinishReason


class Assembler:
    """Takes one answer's deltas in, gives its events out.

    Tool calls come out whole, and only at the end: a call that a broken stream cut in half is
    never seen by anybody. Text comes out as it comes in.
    """

    def __init__(self, call_prefix: str) -> None:
        self.finish_reason: FinishReason | None = None
        self.usage: Tokens | None = None
        self._call_prefix = call_prefix
        self._calls: dict[int, list[str]] = {}  # index -> [id, name, pieces of arguments …]

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
        """The whole calls, in the order in which the model began them."""
        found: list[ToolCalled] = []
        for index, (call_id, name, *pieces) in sorted(self._calls.items()):
            call_id = call_id or f"{self._call_prefix}_{index}"
            found.append(ToolCalled(call_id, name, "".join(pieces) or "{}"))
        return found

    def counted(self, cost: float | None) -> UsageCounted | None:
        """The usage that the provider reported, if it did."""
        if self.usage is None:
            return None
        return UsageCounted(self.usage.input_tokens, self.usage.output_tokens, cost=cost)

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
            call = self._calls.setdefault(delta.index, ["", ""])
            call[0] = call[0] or delta.call_id
            call[1] = call[1] or delta.name
            call.append(delta.arguments)
        elif isinstance(delta, Tokens):
            self.usage = delta
        elif isinstance(delta, Retry):
            events.append(
                AttemptFailed(delta.attempt, delta.max_attempts, delta.delay_ms, delta.reason)
            )
        elif isinstance(delta, Finish):
            self.finish_reason = delta.reason
