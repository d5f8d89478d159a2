"""Events to the frames of this wire, in the order of the OpenAI Responses API.

The terminal frame of a turn without a voice leaves with `message.completed`; with a voice it is
the `audio.completed` or `audio.failed` that follows. Audio may come between the text's deltas; how
it has ended is told after the text at any rate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
from talkwire.web.frames import json_line
from talkwire.wires.responses_sse.output import Output

_CUT_BY = {"length": "max_output_tokens", "content_filter": "content_filter"}
_SILENT = (
    ReasoningDelta,
    AgentStarted,
    AgentCompleted,
    ToolApprovalRequested,
    ToolOutput,
    ToolFinished,
    TurnAdopted,
)
Speech = AudioDelta | AudioCompleted | AudioFailed
Visible = TextDelta | ToolCalled | MessageCompleted | Speech | Terminal


class Encoder:
    """The frames of one turn. Frame k has `id: <turn>:<k>` and `sequence_number` k."""

    def __init__(self, turn_id: str, session_id: str) -> None:
        self._turn_id = turn_id
        self._session_id = session_id
        self._id = b"id: %s:" % turn_id.encode()
        self._next = 0
        self._frames: list[bytes] = []
        self._output = Output(turn_id)
        self._created_at = 0
        self._model: str | None = None
        self._voice: str | None = None
        self._usage: UsageCounted | None = None
        self._begun = False  # response.created is out
        self._said = False  # response.completed is out; what follows is speech
        self._over = False  # the terminal frame is out
        self._sound: AudioCompleted | AudioFailed | None = None  # how speech ended before the text
        self.response: dict[str, Any] = {}

    def feed(self, batch: Sequence[Stamped]) -> list[bytes]:
        """The frames that these events cause."""
        self._frames = []
        for stamped in batch:
            event = stamped.event
            if type(event) is TextDelta:
                self._delta(event.text)
            else:
                self._rare(stamped)
        return self._frames

    def _delta(self, text: str) -> None:
        output = self._output
        if not output.open:
            for kind, fields in output.open_message():
                self._frame(kind, fields)
        output.texts.append(text)
        n = self._next
        self._next = n + 1
        self._frames.append(
            b"%s%d\nevent: response.output_text.delta\ndata: "
            b'{"type":"response.output_text.delta","sequence_number":%d,%s%s}\n\n'
            % (self._id, n, n, output.prefix, json_line(text))
        )

    def _frame(self, kind: str, fields: dict[str, Any]) -> None:
        self._raw(kind, {"type": kind, "sequence_number": self._next, **fields})

    def _raw(self, kind: str, body: dict[str, Any]) -> None:
        self._frames.append(
            b"%s%d\nevent: %s\ndata: %s\n\n"
            % (self._id, self._next, kind.encode(), json_line(body))
        )
        self._next += 1

    def _rare(self, stamped: Stamped) -> None:
        event = stamped.event
        if isinstance(event, TurnStarted):
            self._created_at = stamped.at // 1000
            self._model, self._voice = event.request.model, event.request.voice
        elif isinstance(event, RouteChosen):
            self._model = event.model
            self._begin()
        elif isinstance(event, AttemptFailed):
            self._retrying(event)
        elif isinstance(event, UsageCounted):
            self._usage = _add(self._usage, event)
        elif not isinstance(event, _SILENT):
            self._visible(event)

    def _visible(self, event: Visible) -> None:
        match event:
            case TextDelta():
                self._delta(event.text)
            case ToolCalled():
                for kind, fields in self._output.call(event):
                    self._frame(kind, fields)
            case MessageCompleted():
                self._complete(event.message.text, event.message.finish_reason)
            case AudioDelta() | AudioCompleted() | AudioFailed():
                self._audio(event)
            case TurnCompleted() | TurnFailed() | TurnAborted():
                self._end(event)
            case _:
                assert_never(event)

    def _begin(self) -> None:
        """`response.created` and `response.in_progress`, once."""
        if self._begun:
            return
        self._begun = True
        response = self._head("in_progress")
        self._frame("response.created", {"sessionId": self._session_id, "response": response})
        self._frame("response.in_progress", {"response": response})

    def _head(self, status: str) -> dict[str, Any]:
        return {
            "id": f"resp_{self._turn_id}",
            "object": "response",
            "status": status,
            "model": self._model or "",
            "created_at": self._created_at,
        }

    def _retrying(self, event: AttemptFailed) -> None:
        fields = {
            "attempt": event.attempt,
            "max_attempts": event.max_attempts,
            "delay_ms": event.delay_ms,
            "reason": event.reason,
        }
        self._frame("response.retrying", fields)

    def _complete(self, text: str, finish_reason: str | None) -> None:
        self._begin()
        output = self._output
        if not output.open:
            for kind, fields in output.open_message():
                self._frame(kind, fields)
        for kind, fields in output.close_message("completed", text):
            self._frame(kind, fields)
        more: dict[str, Any] = {}
        if finish_reason in _CUT_BY:
            more["incomplete_details"] = {"reason": _CUT_BY[finish_reason]}
        self._whole("completed", more)
        self._frame("response.completed", {"response": self.response})
        self._said = True
        self._over = self._voice is None
        if self._sound is not None:
            self._audio(self._sound)

    def _whole(self, status: str, more: dict[str, Any]) -> None:
        self.response = {**self._head(status), **more, "output": self._output.items}
        if self._usage is not None:
            used, said = self._usage.input_tokens, self._usage.output_tokens
            usage: dict[str, Any] = {
                "input_tokens": used,
                "output_tokens": said,
                "total_tokens": used + said,
            }
            if self._usage.estimated:
                usage["estimated"] = True
            self.response["usage"] = usage

    def _audio(self, event: Speech) -> None:
        if isinstance(event, AudioDelta):
            self._raw("audio.chunk", {"b64": event.data})  # frozen: no other key
        elif not self._said:
            self._sound = event
        elif isinstance(event, AudioCompleted):
            self._spoken(event.voice_id)
        else:
            self._unspoken(event.code, event.message, event.voice_id)

    def _spoken(self, voice_id: str) -> None:
        self._over = True
        self._frame("audio.completed", {"voiceId": voice_id, "sessionId": self._session_id})

    def _unspoken(self, code: str, message: str, voice_id: str) -> None:
        self._over = True
        fields = {"code": code, "message": message, "voiceId": voice_id}
        self._frame("audio.failed", {**fields, "sessionId": self._session_id})

    def _end(self, event: Terminal) -> None:
        """The turn's end; silent where its terminal frame is out already."""
        if self._over:
            return
        if self._said:
            self._end_speech(event)
            return
        self._begin()
        if isinstance(event, TurnCompleted):
            self._complete(self._output.text, event.finish_reason)
            if self._voice is not None and not self._over:
                self._spoken(self._voice)
        elif isinstance(event, TurnFailed):
            self._fail(event)
        else:
            self._abort()
        self._over = True

    def _end_speech(self, event: Terminal) -> None:
        voice = self._voice or ""
        if isinstance(event, TurnCompleted):
            self._spoken(voice)
        elif isinstance(event, TurnFailed):
            self._unspoken(event.code, event.message, voice)
        else:
            self._unspoken("aborted", "The turn was aborted.", voice)

    def _fail(self, event: TurnFailed) -> None:
        said = {"code": event.code, "message": event.message}
        self._frame("error", {**said, "retryable": event.retryable})
        self._output.keep_cut()
        self._whole("failed", {"error": said})
        self._frame("response.failed", {"response": self.response})

    def _abort(self) -> None:
        if self._output.open:
            for kind, fields in self._output.close_message("incomplete", self._output.text):
                self._frame(kind, fields)
        self._whole("incomplete", {"incomplete_details": {"reason": "aborted"}})
        self._frame("response.incomplete", {"response": self.response})


def whole(events: Iterable[Stamped]) -> dict[str, Any]:
    """The response object of an ended turn, from its events in order from 0."""
    encoder = Encoder("", "")
    for stamped in events:
        if isinstance(stamped.event, TurnStarted):
            encoder = Encoder(stamped.event.turn_id, stamped.event.session_id)
        encoder.feed((stamped,))
    return encoder.response


def _add(sum_: UsageCounted | None, more: UsageCounted) -> UsageCounted:
    if sum_ is None:
        return more
    return UsageCounted(
        input_tokens=sum_.input_tokens + more.input_tokens,
        output_tokens=sum_.output_tokens + more.output_tokens,
        estimated=sum_.estimated or more.estimated,
    )
