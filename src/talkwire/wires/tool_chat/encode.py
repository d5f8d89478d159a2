"""Events to the frames of this wire: one `data:` line each, `{"type":…,"data":{…}}`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_never

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
from talkwire.canon.turn import answer_message_id
from talkwire.web.frames import json_line
from talkwire.web.told import arguments_of, rfc3339

_SILENT = (
    TurnStarted,
    AttemptFailed,
    ReasoningDelta,
    AgentStarted,
    AgentCompleted,
    TurnAdopted,
    AudioDelta,
    AudioCompleted,
    AudioFailed,
)
Visible = TextDelta | ToolCalled | ToolApprovalRequested | ToolOutput | ToolFinished | Terminal


class Encoder:
    """The frames of one turn. Frame k has `id: <turn>:<k>`."""

    def __init__(self, turn_id: str, session_id: str) -> None:
        self._turn_id = turn_id
        self._session_id = session_id
        self._id = b"id: %s:" % turn_id.encode()
        self._next = 0
        self._frames: list[bytes] = []
        self._texts: list[str] = []  # since the last results, as the stored answer has them
        self._calls: list[dict[str, Any]] = []
        self._open: set[str] = set()  # calls without a result
        self._model = ""
        self._used = [0, 0]
        self._estimated = False

    def feed(self, batch: Sequence[Stamped]) -> list[bytes]:
        """The frames that these events cause."""
        self._frames = []
        for stamped in batch:
            event = stamped.event
            if type(event) is TextDelta:
                self._chunk(event.text)
            else:
                self._rare(stamped)
        return self._frames

    def _chunk(self, text: str) -> None:
        self._texts.append(text)
        n = self._next
        self._next = n + 1
        self._frames.append(
            b'%s%d\ndata: {"type":"chunk","data":{"content":%s}}\n\n'
            % (self._id, n, json_line(text))
        )

    def _frame(self, kind: str, data: dict[str, Any]) -> None:
        line = json_line({"type": kind, "data": data})
        self._frames.append(b"%s%d\ndata: %s\n\n" % (self._id, self._next, line))
        self._next += 1

    def _rare(self, stamped: Stamped) -> None:
        event = stamped.event
        if isinstance(event, RouteChosen):
            self._model = event.model
        elif isinstance(event, UsageCounted):
            self._used[0] += event.input_tokens
            self._used[1] += event.output_tokens
            self._estimated = self._estimated or event.estimated
        elif isinstance(event, MessageCompleted):
            self._texts = [event.message.text]
        elif not isinstance(event, _SILENT):
            self._visible(event, stamped.at)

    def _visible(self, event: Visible, at: int) -> None:
        match event:
            case TextDelta():
                self._chunk(event.text)
            case ToolCalled():
                self._called(event)
            case ToolApprovalRequested():
                asked = _call(event.call_id, event.name, event.arguments)
                self._frame("tool_approval", {**asked, "expires_at": rfc3339(event.expires_at)})
            case ToolOutput():
                said = {"tool_call_id": event.call_id, "content": event.text}
                self._frame("tool_stream_chunk", said)
            case ToolFinished():
                self._finished(event)
            case TurnCompleted():
                self._complete(event.finish_reason, at)
            case TurnAborted():
                self._complete("aborted", at)
            case TurnFailed():
                self._frame("error", {"error": event.message, "code": event.code})
            case _:
                assert_never(event)

    def _called(self, event: ToolCalled) -> None:
        call = _call(event.call_id, event.name, event.arguments)
        self._calls.append(call)
        self._open.add(event.call_id)
        self._frame("tool_call", call)

    def _finished(self, event: ToolFinished) -> None:
        data: dict[str, Any] = {"tool_call_id": event.call_id, "result": event.result}
        for name in ("is_error", "summarized", "truncated"):
            if getattr(event, name):
                data[name] = True
        self._frame("tool_result", data)
        self._open.discard(event.call_id)
        if not self._open:
            self._texts = []

    def _complete(self, finish_reason: str, at: int) -> None:
        given, said = self._used
        usage: dict[str, Any] = {
            "prompt_tokens": given,
            "completion_tokens": said,
            "total_tokens": given + said,
        }
        if self._estimated:
            usage["estimated"] = True
        message = {
            "id": answer_message_id(self._turn_id),
            "session_id": self._session_id,
            "role": "assistant",
            "content": "".join(self._texts),
            "tool_calls": self._calls,
            "model": self._model,
            "usage": usage,
            "finish_reason": finish_reason,
            "created_at": rfc3339(at),
        }
        self._frame("complete", {"message": message})


def _call(call_id: str, name: str, arguments: str) -> dict[str, Any]:
    return {"tool_call_id": call_id, "tool_name": name, "arguments": arguments_of(arguments)}
