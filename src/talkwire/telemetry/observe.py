"""The life of a turn as log lines, folded from its events. Message text only where it is asked for.

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

CONTENT_CHARS = 4000
"""How much of a text is told, where texts are told at all."""

_WARNED = (AttemptFailed, AudioFailed, TurnFailed)


class TurnLog:
    """An observer: call it with the state after the event, and the event. It never raises.

    `brief` leaves out all that is no warning, for a log that would drop it anyway. With `content`
    the beginnings of what was asked and answered are told.
    """

    def __init__(self, *, brief: bool = False, content: bool = False) -> None:
        self._log = structlog.get_logger("talkwire.turns")
        self._brief = brief
        self._content = content

    def __call__(self, turn: TurnState, stamped: Stamped) -> None:
        """Say what is worth a line. Times are milliseconds from when the turn was accepted.

        The task that runs the turn, and all that it starts, have the turn's ids on their lines
        from then on.
        """
        if not isinstance(stamped.event, TurnAdopted):  # told by whoever adopts, before it runs
            _bind(turn)
        if not self._brief or isinstance(stamped.event, _WARNED):
            self._tell(turn, stamped)

    def _tell(self, turn: TurnState, stamped: Stamped) -> None:
        event = stamped.event
        say = self._log.info
        ids = _ids(turn)
        match event:
            case TurnStarted():
                asked = {"input": _short(turn.asked.text)} if self._content else {}
                say("turn.accepted", **ids, wire=event.wire, **asked)
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
                say(
                    "turn.ended",
                    **ids,
                    **self._end(turn, stamped),
                    finish_reason=event.finish_reason,
                )
            case TurnAborted():
                say("turn.ended", **ids, **self._end(turn, stamped), by=event.by)
            case TurnFailed():
                self._log.warning("turn.ended", **ids, **self._end(turn, stamped), error=event.code)
            case _:
                pass

    def _end(self, turn: TurnState, stamped: Stamped) -> dict[str, Any]:
        end = _end(turn, stamped)
        if not self._content:
            return end
        said = "".join(turn.texts) if turn.message is None else turn.message.text
        return {**end, "answer": _short(said)}


def _ids(turn: TurnState) -> dict[str, str]:
    ids = {"turn_id": turn.turn_id, "session_id": turn.session_id}
    request_id = turn.asked.request_id
    return {**ids, "request_id": request_id} if request_id else ids


def _bind(turn: TurnState) -> None:
    if structlog.contextvars.get_contextvars().get("turn_id") != turn.turn_id:
        structlog.contextvars.bind_contextvars(**_ids(turn))


def _short(text: str) -> str:
    return text if len(text) <= CONTENT_CHARS else text[:CONTENT_CHARS] + "…"


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
