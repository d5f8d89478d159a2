"""A recorded turn as a model: says what was said then, with the pauses it had then.

A recording is JSON lines of `[n, at, event]`, `at` in Unix milliseconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from msgspec import ValidationError

from talkwire.canon import events
from talkwire.canon.deltas import Delta, Finish, Hear, Reasoning, Text, Tokens
from talkwire.canon.errors import ModelError, UpstreamIncomplete
from talkwire.canon.events import (
    ReasoningDelta,
    RouteChosen,
    Stamped,
    TextDelta,
    TurnAborted,
    TurnCompleted,
    TurnFailed,
    UsageCounted,
)
from talkwire.canon.turn import ModelRequest

GAP_MAX_S = 60.0


def load(path: Path, *, speed: float = 1.0) -> Playback:
    """The recording in a file. :raises ValueError: it cannot be read or is none."""
    try:
        written = path.read_bytes()
    except OSError as error:
        raise ValueError(f"script: cannot read {path}: {error.strerror}") from error
    lines = [line for line in written.splitlines() if line.strip()]
    try:
        return Playback(events.load(b"[" + b",".join(lines) + b"]"), speed=speed)
    except (ValidationError, ValueError) as error:
        raise ValueError(f"script: {path} is no recorded turn: {error}") from error


class Playback:
    """Fits the port `Model`. `speed` 2 is twice as fast; gaps are at most 60 s."""

    def __init__(self, recorded: Sequence[Stamped], *, speed: float = 1.0) -> None:
        if not recorded:
            raise ValueError("nothing is recorded")
        self._recorded = recorded
        self._speed = speed

    async def answer(self, request: ModelRequest, hear: Hear) -> None:
        """See `Model.answer`; what `request.partial` holds already is passed over."""
        skip = len(request.partial)
        before = next((s.at for s in self._recorded if type(s.event) is RouteChosen), None)
        before = self._recorded[0].at if before is None else before
        for stamped in self._recorded:
            delta = _delta(stamped.event)
            if delta is None:
                continue
            if isinstance(delta, Text) and skip:
                delta, skip = Text(delta.text[skip:]), max(skip - len(delta.text), 0)
                if not delta.text:
                    before = stamped.at
                    continue
            gap_s = (stamped.at - before) / 1000 / self._speed
            before = stamped.at
            if gap_s > 0:
                await asyncio.sleep(min(gap_s, GAP_MAX_S))
            if (wait := hear([delta])) is not None:
                await wait
            if isinstance(delta, Finish):
                return
        raise UpstreamIncomplete("The recording ends in mid-answer.")

    async def check(self) -> str:
        """See `Model.check`."""
        return f"plays {len(self._recorded)} recorded events back, no model is asked"

    async def close(self) -> None:
        """Nothing to close."""


def _delta(event: events.AnyEvent) -> Delta | None:
    """What the model said at this event; None for what others did."""
    match event:
        case TextDelta(text=text):
            return Text(text)
        case ReasoningDelta(text=text):
            return Reasoning(text)
        case UsageCounted(input_tokens=given, output_tokens=said):
            return Tokens(given, said)
        case TurnCompleted(finish_reason=reason):
            return Finish(reason)
        case TurnFailed(code=code, message=message, retryable=retryable):
            failed = ModelError(message, code=code)
            failed.retryable = retryable
            raise failed
        case TurnAborted():
            raise UpstreamIncomplete("The recorded turn was stopped here.")
        case _:
            return None
