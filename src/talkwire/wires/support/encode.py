"""Events to the frames of this wire, in two forms: clients that parse every line as JSON are given
`data: ` lines and nothing else, EventSource is given `id:` lines too, since it resumes by them.
"""

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
from talkwire.canon.fold import TurnState
from talkwire.canon.scenarios import Scene
from talkwire.web.frames import json_line
from talkwire.web.whole import failure

_NOWHERE = Scene()
_SILENT = (
    AttemptFailed,
    ReasoningDelta,
    AgentStarted,
    AgentCompleted,
    ToolCalled,
    ToolApprovalRequested,
    ToolOutput,
    ToolFinished,
    UsageCounted,
    TurnAdopted,
    MessageCompleted,
    AudioDelta,
    AudioCompleted,
    AudioFailed,
)
Visible = TurnStarted | RouteChosen | TextDelta | Terminal


class Encoder:
    """The frames of one turn, of `data: ` lines alone. They count from 1, so that a frame has the
    same number in both forms.
    """

    def __init__(self, turn_id: str, session_id: str) -> None:
        self._session_id = session_id
        self._frames: list[bytes] = []
        self._behind = b',"thread_id":%s}' % _json(session_id)
        self._enter(_NOWHERE)

    def feed(self, batch: Sequence[Stamped]) -> list[bytes]:
        """The frames that these events cause."""
        self._frames = []
        for stamped in batch:
            event = stamped.event
            if type(event) is TextDelta:
                self._frame(b"%s%s%s" % (self._ahead, _json(event.text), self._behind))
            elif not isinstance(event, _SILENT):
                self._rare(event)
        return self._frames

    def heartbeat(self) -> bytes:
        """A frame without text, of where the turn is by now. It counts for nothing."""
        return b'data: %s""%s\n\n' % (self._ahead, self._behind)

    def _begin(self) -> None:
        """The turn was accepted."""

    def _frame(self, data: bytes) -> None:
        self._frames.append(b"data: %s\n\n" % data)

    def _rare(self, event: Visible) -> None:
        match event:
            case TurnStarted():
                self._begin()
            case RouteChosen():
                self._enter(event.scenario or _NOWHERE)
            case TextDelta():
                self._frame(b"%s%s%s" % (self._ahead, _json(event.text), self._behind))
            case TurnCompleted():
                self._done(event.finish_reason)
            case TurnAborted():
                self._done("aborted")
            case TurnFailed():
                failed = {"error": event.message, "code": event.code, "done": True}
                self._frame(_json({**failed, "thread_id": self._session_id}))
            case _:
                assert_never(event)

    def _enter(self, scene: Scene) -> None:
        self._scene = scene
        named = _json({"category": scene.category, "subcategory": scene.subcategory})
        self._ahead = named[:-1] + b',"response":'

    def _done(self, finish_reason: str) -> None:
        end = {"done": True, "thread_id": self._session_id, **_about(self._scene)}
        self._frame(_json(end | _unless_whole(finish_reason)))


class EventSourceEncoder(Encoder):
    """The same frames with `id: <turn>:<k>`. Frame 0 is an `id:` line alone: EventSource keeps it
    and tells nobody, and from then on resumes instead of asking again.
    """

    def __init__(self, turn_id: str, session_id: str) -> None:
        super().__init__(turn_id, session_id)
        self._id = b"id: %s:" % turn_id.encode()
        self._next = 0

    def _begin(self) -> None:
        self._frames.append(b"%s%d\n\n" % (self._id, self._next))
        self._next += 1

    def _frame(self, data: bytes) -> None:
        self._frames.append(b"%s%d\ndata: %s\n\n" % (self._id, self._next, data))
        self._next += 1


def answer(state: TurnState) -> dict[str, Any]:
    """The whole answer of a turn that has ended. :raises TalkwireError: the turn failed."""
    end = state.terminal
    if isinstance(end, TurnFailed):
        raise failure(end)
    scene = state.scene or _NOWHERE
    told = {
        "response": state.text,
        "category": scene.category,
        "subcategory": scene.subcategory,
        "thread_id": state.session_id,
        **_about(scene),
    }
    return told | _unless_whole(end.finish_reason if isinstance(end, TurnCompleted) else "aborted")


def _about(scene: Scene) -> dict[str, Any]:
    return {
        "confidence": float(scene.confidence),  # as it is when it has been stored
        "related_subcategories": scene.related,
        "sop_references": scene.sop_references,
    }


def _unless_whole(finish_reason: str) -> dict[str, Any]:
    """An extension: why the answer is less than what was to be said."""
    return {} if finish_reason == "stop" else {"finish_reason": finish_reason}


def _json(value: object) -> bytes:
    """JSON without a `data: ` in it: clients take out of a line all that it has."""
    return json_line(value).replace(b"data: ", b"\\u0064ata: ")
