"""Speech on this wire: what was heard, and what is said to it."""

from __future__ import annotations

import base64
from typing import Any

from talkwire.canon.events import AudioDelta, AudioFailed, Stamped
from talkwire.canon.turn import TurnRequest
from talkwire.wires.agent_chat.answer import Answer


def transcript(request: TurnRequest) -> dict[str, Any]:
    """What was heard. It is part of the turn, so that whoever resumes it is told the same."""
    return {
        "transcript": request.text,
        "language": request.heard_language,
        "duration_s": request.heard_ms / 1000,
    }


class Reply:
    """The fold of a spoken turn's events, in order from 0."""

    def __init__(self) -> None:
        self._answer = Answer()
        self._mime = ""
        self._audio: list[bytes] = []
        self._failed: AudioFailed | None = None

    def apply(self, stamped: Stamped) -> None:
        """Fold one event in."""
        self._answer.apply(stamped)
        event = stamped.event
        if isinstance(event, AudioDelta):
            self._mime = event.mime
            self._audio.append(base64.b64decode(event.data))
        elif isinstance(event, AudioFailed):
            self._failed = event

    def given(self) -> dict[str, Any]:
        """All of it. `audio` is there where something was said, `audio_failed` where that did not
        come to its end. :raises TalkwireError: the turn failed.
        """
        reply = self._answer.given()
        told = {**transcript(self._answer.state.asked), "reply": reply}
        if self._audio:
            spoken = base64.b64encode(b"".join(self._audio)).decode()
            told["audio"] = {"mime": self._mime, "b64": spoken}
        if self._failed is not None:
            told["audio_failed"] = {"code": self._failed.code, "message": self._failed.message}
        return told
