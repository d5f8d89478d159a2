"""Events to the frames of this wire: each but an error has `content`, and says which kind of model
it is from; the last one is `[DONE]`, unless the turn failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_never

import msgspec

from talkwire.canon.errors import TalkwireError
from talkwire.canon.events import (
    AgentCompleted,
    AgentStarted,
    AttemptFailed,
    AudioCompleted,
    AudioDelta,
    AudioFailed,
    MessageCompleted,
    ReasoningDelta,
    RouteChosen,
    Stamped,
    Terminal,
    TextDelta,
    ToolApprovalRequested,
    ToolCalled,
    ToolFinished,
    ToolOutput,
    TurnAborted,
    TurnAdopted,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
    UsageCounted,
)
from talkwire.canon.fold import TurnState
from talkwire.canon.models import Standing
from talkwire.web.frames import json_line
from talkwire.web.whole import failure
from talkwire.wires.routed_chat.shapes import TYPES

DONE = b"[DONE]"
_NOBODY = {"model_used": "", "model": ""}
_SILENT = (
    TurnStarted,
    AttemptFailed,
    ReasoningDelta,
    AgentStarted,
    AgentCompleted,
    ToolCalled,
    ToolOutput,
    ToolFinished,
    TurnAdopted,
    MessageCompleted,
    AudioDelta,
    AudioCompleted,
    AudioFailed,
)
Visible = TextDelta | RouteChosen | UsageCounted | ToolApprovalRequested | Terminal


class Encoder:
    """The frames of one turn. Frame k has `id: <turn>:<k>`."""

    def __init__(self, turn_id: str, session_id: str) -> None:
        self._session_id = session_id
        self._id = b"id: %s:" % turn_id.encode()
        self._next = 0
        self._frames: list[bytes] = []
        self._seen = TurnState()  # of what the last frame tells: route, usage, calls that wait
        self._enter()

    def feed(self, batch: Sequence[Stamped]) -> list[bytes]:
        """The frames that these events cause."""
        self._frames = []
        for stamped in batch:
            event = stamped.event
            if type(event) is TextDelta:
                self._say(event.text)
            elif not isinstance(event, _SILENT):
                self._rare(event, stamped)
        return self._frames

    def _say(self, text: str) -> None:
        n = self._next
        self._next = n + 1
        self._frames.append(
            b'%s%d\ndata: {"content": %s%s' % (self._id, n, json_line(text), self._behind)
        )

    def _frame(self, data: bytes) -> None:
        self._frames.append(b"%s%d\ndata: %s\n\n" % (self._id, self._next, data))
        self._next += 1

    def _rare(self, event: Visible, stamped: Stamped) -> None:
        match event:
            case TextDelta():
                self._say(event.text)
            case RouteChosen():
                self._seen.apply(stamped)
                self._enter()
            case UsageCounted() | ToolApprovalRequested():
                self._seen.apply(stamped)
            case TurnCompleted() | TurnAborted():
                self._frame(_spaced({"content": "", **self._by, **_end(self._seen, event)}))
                self._frame(DONE)
            case TurnFailed():
                self._frame(json_line(error(event, self._session_id)))
            case _:
                assert_never(event)

    def _enter(self) -> None:
        """From now on it is the chosen model that speaks."""
        self._by = {"session_id": self._session_id, **_by(self._seen)}
        self._behind = b", %s\n\n" % _spaced(self._by)[1:]


def answer(state: TurnState) -> dict[str, Any]:
    """The whole answer of a turn that has ended: what its stream says, in one piece.

    :raises TalkwireError: the turn failed.
    """
    end = state.terminal
    if isinstance(end, TurnFailed):
        raise failure(end)
    before = (each.text for each in state.rounds if each.role == "assistant")
    route = state.route
    return {
        "content": "".join([*before, state.text]),
        "session_id": state.session_id,
        **_by(state),
        "turn_id": state.turn_id,
        **_end(state, end),
        "route": {
            "model": "" if route is None else route.model,
            "model_type": "" if route is None else route.model_type,
            "reasons": () if route is None else route.reasons,
            "tried": state.tried,
        },
    }


def error(found: TurnFailed | TalkwireError, session_id: str) -> dict[str, str]:
    """What is told of an error, with a `content` since clients read that of whatever comes."""
    return {"error": found.message, "code": found.code, "content": "", "session_id": session_id}


def _spaced(value: object) -> bytes:
    """JSON with a space behind each colon and comma, as frames with `content` always had it."""
    return msgspec.json.format(json_line(value), indent=0)


def _by(state: TurnState) -> dict[str, str]:
    """Which kind of model speaks, and which model; "" before that is decided."""
    route = state.route
    return {"model_used": route.model_type, "model": route.model} if route else _NOBODY


def _end(state: TurnState, end: Terminal | None) -> dict[str, Any]:
    """How a turn ended, and what it has used; calls that wait for a person where there are any."""
    used = state.total_usage()
    usage: dict[str, Any] = {
        "prompt_tokens": used.input_tokens,
        "completion_tokens": used.output_tokens,
        "total_tokens": used.input_tokens + used.output_tokens,
    }
    if used.estimated:
        usage["estimated"] = True
    if used.cost is not None:
        usage["cost"] = used.cost
    reason = end.finish_reason if isinstance(end, TurnCompleted) else "aborted"
    told: dict[str, Any] = {"finish_reason": reason, "usage": usage}
    if state.waiting:
        told["approvals"] = [
            {
                "tool_call_id": each.call_id,
                "tool_name": each.name,
                "arguments": each.arguments,
                "expires_at": each.expires_at,
            }
            for each in state.waiting.values()
        ]
    return told


def listing(standings: Sequence[Standing], default: str) -> dict[str, Any]:
    """The models by type: those that requests can ask for, and whatever else is configured."""
    types: dict[str, list[dict[str, Any]]] = {name: [] for name in TYPES}
    for each in standings:
        shown: dict[str, Any] = {
            "name": each.name,
            "reachable": each.healthy,
            "default": each.name == default,
            "context_tokens": each.context_tokens,
            "price_in": each.price_in,
            "price_out": each.price_out,
            "running": each.running,
            "latency_ms": each.latency_ms,
            "error_rate": each.error_rate,
        }
        told = shown if each.healthy else {**shown, "why": each.why}
        types.setdefault(each.model_type, []).append(told)
    return {"models": types, "default": default}
