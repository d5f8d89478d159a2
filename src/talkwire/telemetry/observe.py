"""The life of a turn as log lines, folded from its events. Never message text.

The engine calls `TurnLog` for every event that is no delta and for the first delta of a turn;
what a line needs is in the folded state, so that nothing is kept here.
"""

from __future__ import annotations

from typing import Any

import structlog

from talkwire.canon.events import (
    AttemptFailed,
    AudioFailed,
    ReasoningDelta,
    Stamped,
    TextDelta,
    ToolFinished,
    TurnAborted,
    TurnAdopted,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
)
from talkwire.canon.fold import TurnState

_WARNED = (AttemptFailed, AudioFailed, TurnFailed)


class TurnLog:
    """An observer: call it with the state after the event, and the event. It never raises.

    `brief` leaves out all that is no warning, for a log that would drop it anyway.
    """

    def __init__(self, *, brief: bool = False) -> None:
        self._log = structlog.get_logger("talkwire.turns")
        self._brief = brief

    def __call__(self, turn: TurnState, stamped: Stamped) -> None:
        """Say what is worth a line. Times are milliseconds from when the turn was accepted."""
        if not self._brief or isinstance(stamped.event, _WARNED):
            self._tell(turn, stamped)

    def _tell(self, turn: TurnState, stamped: Stamped) -> None:
        event = stamped.event
        say = self._log.info
        ids = {"turn_id": turn.turn_id, "session_id": turn.session_id}
        match event:
            case TurnStarted():
                say("turn.accepted", **ids, wire=event.wire)
            case TextDelta() | ReasoningDelta():
                say("turn.first_token", **ids, ttft_ms=stamped.at - turn.started_at)
            case AttemptFailed():
                self._log.warning(
                    "turn.attempt_failed",
                    **ids,
                    attempt=event.attempt,
                    max_attempts=event.max_attempts,
                    delay_ms=event.delay_ms,
                    reason=event.reason,
                )
            case TurnAdopted():
                say("turn.adopted", **ids, node=event.node, epoch=event.epoch)
            case AudioFailed():
                self._log.warning("turn.voice_failed", **ids, code=event.code)
            case ToolFinished():
                say("turn.tool_finished", **ids, call_id=event.call_id, is_error=event.is_error)
            case TurnCompleted():
                say("turn.ended", **ids, **_end(turn, stamped), finish_reason=event.finish_reason)
            case TurnAborted():
                say("turn.ended", **ids, **_end(turn, stamped), by=event.by)
            case TurnFailed():
                self._log.warning("turn.ended", **ids, **_end(turn, stamped), error=event.code)
            case _:
                pass


def _end(turn: TurnState, stamped: Stamped) -> dict[str, Any]:
    usage = turn.total_usage()
    first = turn.first_token_at
    status = type(stamped.event).__name__.removeprefix("Turn").lower()
    return {
        "status": status,
        "duration_ms": stamped.at - turn.started_at,
        "ttft_ms": None if first is None else first - turn.started_at,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "estimated": usage.estimated,
        "model": turn.model,
        "wire": turn.wire,
    }
