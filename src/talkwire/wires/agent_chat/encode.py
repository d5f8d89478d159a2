"""Events to the frames of this wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_never

from talkwire.canon.agents import AgentCard
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
from talkwire.canon.turn import TurnRequest, answer_message_id
from talkwire.web.frames import json_line
from talkwire.web.told import rfc3339
from talkwire.wires.agent_chat.answer import Answer, approval, call, result
from talkwire.wires.agent_chat.spoken import transcript

_STOPPED = TurnFailed("aborted", "The answer was stopped.")
_SILENT = (RouteChosen, UsageCounted, TurnAdopted, MessageCompleted)
Tooling = ToolCalled | ToolApprovalRequested | ToolOutput | ToolFinished
Speaking = AudioDelta | AudioCompleted | AudioFailed
Visible = (
    TurnStarted
    | AttemptFailed
    | TextDelta
    | ReasoningDelta
    | AgentStarted
    | AgentCompleted
    | Tooling
    | Speaking
    | Terminal
)


class Encoder:
    """The frames of one turn. Frame k has `id: <turn>:<k>`."""

    def __init__(self, turn_id: str, session_id: str) -> None:
        self._turn_id = turn_id
        self._session_id = session_id
        self._id = b"id: %s:" % turn_id.encode()
        self._next = 0
        self._frames: list[bytes] = []
        self._answer = Answer()
        self._names: dict[str, str] = {}  # of tools that were called

    def feed(self, batch: Sequence[Stamped]) -> list[bytes]:
        """The frames that these events cause."""
        self._frames = []
        for stamped in batch:
            event = stamped.event
            if type(event) is TextDelta:
                self._delta(event.text)
                continue
            self._answer.apply(stamped)
            if not isinstance(event, _SILENT):
                self._rare(event, stamped.at)
        return self._frames

    def _delta(self, text: str) -> None:
        self._answer.state.texts.append(text)  # as applying the event would: it comes a lot
        n = self._next
        self._next = n + 1
        self._frames.append(
            b'%s%d\nevent: message.delta\ndata: {"content":%s}\n\n' % (self._id, n, json_line(text))
        )

    def _frame(self, name: str, data: dict[str, Any]) -> None:
        self._frames.append(
            b"%s%d\nevent: %s\ndata: %s\n\n"
            % (self._id, self._next, name.encode(), json_line(data))
        )
        self._next += 1

    def _rare(self, event: Visible, at: int) -> None:
        match event:
            case TextDelta():
                self._delta(event.text)
            case ReasoningDelta():
                self._frame("reasoning.delta", {"content": event.text})
            case TurnStarted():
                self._begin(event.request, at)
            case AttemptFailed():
                self._retrying(event)
            case AgentStarted():
                self._frame("agent.started", {"agent_id": event.agent_id, "name": event.name})
            case AgentCompleted():
                self._frame("agent.completed", {"agent_id": event.agent_id, "name": event.name})
            case ToolCalled() | ToolApprovalRequested() | ToolOutput() | ToolFinished():
                self._tool(event)
            case AudioDelta() | AudioCompleted() | AudioFailed():
                self._audio(event)
            case TurnCompleted() | TurnFailed() | TurnAborted():
                self._end(event)
            case _:
                assert_never(event)

    def _begin(self, request: TurnRequest, at: int) -> None:
        if request.heard_ms:
            self._frame("transcript", transcript(request))
        begun = {
            "message_id": answer_message_id(self._turn_id),
            "session_id": self._session_id,
            "turn_id": self._turn_id,
            "agent_id": self._answer.agent_id,
            "started_at": rfc3339(at),
        }
        self._frame("message.started", begun)

    def _retrying(self, event: AttemptFailed) -> None:
        failed = {
            "attempt": event.attempt,
            "max_attempts": event.max_attempts,
            "delay_ms": event.delay_ms,
            "reason": event.reason,
        }
        self._frame("message.retrying", failed)

    def _tool(self, event: Tooling) -> None:
        match event:
            case ToolCalled():
                self._names[event.call_id] = event.name
                self._frame("tool.started", call(event))
            case ToolApprovalRequested():
                self._frame("tool.approval_required", approval(event))
            case ToolOutput():
                self._frame("tool.output", {"call_id": event.call_id, "content": event.text})
            case ToolFinished():
                named = {"call_id": event.call_id, "name": self._names.get(event.call_id, "")}
                self._frame("tool.completed", {**named, **result(event)})
            case _:
                assert_never(event)

    def _audio(self, event: Speaking) -> None:
        match event:
            case AudioDelta():
                self._frame("audio.delta", {"mime": event.mime, "b64": event.data})
            case AudioCompleted():
                told = {"voice_id": event.voice_id, "duration_ms": event.duration_ms}
                self._frame("audio.completed", told)
            case AudioFailed():
                self._unspoken(event.code, event.message, event.voice_id)
            case _:
                assert_never(event)

    def _unspoken(self, code: str, message: str, voice_id: str) -> None:
        self._frame("audio.failed", {"code": code, "message": message, "voice_id": voice_id})

    def _end(self, event: Terminal) -> None:
        """The one terminal frame; before it, the end of speech that has none yet."""
        answer = self._answer
        if isinstance(event, TurnCompleted):
            self._frame("message.completed", answer.body())
            return
        why = event if isinstance(event, TurnFailed) else _STOPPED
        voice = answer.state.asked.voice
        speaking = answer.state.audio
        if voice and (speaking == "partial" or (answer.whole and speaking == "none")):
            self._unspoken(why.code, why.message, voice)
        if answer.whole:
            self._frame("message.completed", answer.body())
            return
        told = {"code": why.code, "message": why.message, "retryable": why.retryable}
        self._frame("message.failed", {**answer.body(), **told})


def listing(cards: Sequence[AgentCard]) -> dict[str, Any]:
    """All agents."""
    return {"agents": [_card(each) for each in cards]}


def _card(card: AgentCard) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": card.id,
        "name": card.name,
        "description": card.description,
        "kind": card.kind,
        "model": card.model,
        "tools": card.tools,
    }
    if card.kind == "team":
        told["members"] = card.members
    if card.why:
        told["unavailable"] = card.why
    return told
