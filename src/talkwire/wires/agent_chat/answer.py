"""A turn's events as the one answer that this wire tells, in a stream's end or by itself."""

from __future__ import annotations

from typing import Any

from talkwire.canon.agents import ASSISTANT
from talkwire.canon.events import (
    Stamped,
    TextDelta,
    ToolApprovalRequested,
    ToolCalled,
    ToolFinished,
    TurnAborted,
    TurnCompleted,
    TurnFailed,
)
from talkwire.canon.fold import TurnState
from talkwire.canon.records import Usage
from talkwire.canon.turn import answer_message_id
from talkwire.web.told import arguments_of, rfc3339
from talkwire.web.whole import failure


class Answer:
    """The fold of a turn's events, in order from 0."""

    def __init__(self) -> None:
        self.state = TurnState()
        self._calls: dict[str, dict[str, Any]] = {}
        self._ended_at = 0

    def apply(self, stamped: Stamped) -> None:
        """Fold one event in."""
        self.state.apply(stamped)
        event = stamped.event
        if type(event) is TextDelta:
            return
        if isinstance(event, ToolCalled):
            self._calls[event.call_id] = call(event)
        elif isinstance(event, ToolFinished):
            self._calls.setdefault(event.call_id, {}).update(result(event))
        self._ended_at = stamped.at

    @property
    def agent_id(self) -> str:
        """Who answers."""
        route, request = self.state.route, self.state.request
        chosen = None if route is None else route.agent_id
        return chosen or (None if request is None else request.agent) or ASSISTANT

    @property
    def whole(self) -> bool:
        """Whether the turn's text is whole, however the turn has ended: speech may have failed."""
        return self.state.message is not None or isinstance(self.state.terminal, TurnCompleted)

    def body(self) -> dict[str, Any]:
        """What is told of a turn that has ended. `content` is what was said since the last tool's
        result: what came before is a message of its own.
        """
        state = self.state
        told: dict[str, Any] = {
            "message_id": answer_message_id(state.turn_id),
            "session_id": state.session_id,
            "turn_id": state.turn_id,
            "content": state.text,
            "agent_id": self.agent_id,
            "model": state.model or "",
            "tool_calls": list(self._calls.values()),
            "usage": usage(state.total_usage()),
            "finish_reason": self._reason(),
            "created_at": rfc3339(self._ended_at),
        }
        if state.waiting:
            told["approvals"] = [approval(each) for each in state.waiting.values()]
        if not self.whole:
            told["incomplete"] = True
        return told

    def given(self) -> dict[str, Any]:
        """As `body`, for routes without a stream. :raises TalkwireError: the turn failed."""
        end = self.state.terminal
        if isinstance(end, TurnFailed) and not self.whole:
            raise failure(end)
        return self.body()

    def _reason(self) -> str:
        message, end = self.state.message, self.state.terminal
        if message is not None:
            return message.finish_reason or "stop"
        if isinstance(end, TurnCompleted):
            return end.finish_reason
        return "aborted" if isinstance(end, TurnAborted) else "error"


def usage(used: Usage) -> dict[str, Any]:
    """Tokens, and what they cost where that is known."""
    told: dict[str, Any] = {
        "input_tokens": used.input_tokens,
        "output_tokens": used.output_tokens,
        "total_tokens": used.input_tokens + used.output_tokens,
    }
    if used.estimated:
        told["estimated"] = True
    if used.cost is not None:
        told["cost"] = used.cost
    return told


def call(event: ToolCalled | ToolApprovalRequested) -> dict[str, Any]:
    """A tool call."""
    return {
        "call_id": event.call_id,
        "name": event.name,
        "arguments": arguments_of(event.arguments),
    }


def approval(event: ToolApprovalRequested) -> dict[str, Any]:
    """A call that waits for a person."""
    return {**call(event), "expires_at": rfc3339(event.expires_at)}


def result(event: ToolFinished) -> dict[str, Any]:
    """What came of a call; what is odd about it only where it is."""
    told: dict[str, Any] = {"result": event.result}
    for name in ("is_error", "summarized", "truncated"):
        if getattr(event, name):
            told[name] = True
    return told
