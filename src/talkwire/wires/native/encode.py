"""Events to frames: one for each, with the canonical name and fields."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from talkwire.canon.events import Stamped, TextDelta, kind_of
from talkwire.canon.fold import fold
from talkwire.web.frames import json_line


class Encoder:
    """The frames of one turn; frame k is event k."""

    def __init__(self, turn_id: str, session_id: str) -> None:
        self._id = b"id: %s:" % turn_id.encode()

    def feed(self, batch: Sequence[Stamped]) -> list[bytes]:
        """One frame for each event."""
        start = self._id
        frames = []
        for stamped in batch:
            event, n = stamped.event, stamped.n
            if type(event) is TextDelta:
                frames.append(
                    b'%s%d\nevent: text.delta\ndata: {"kind":"text.delta","text":%s,"n":%d,"at":%d}'
                    b"\n\n" % (start, n, json_line(event.text), n, stamped.at)
                )
            else:
                kind = kind_of(event).encode()
                fields = json_line(event)[:-1]
                frames.append(
                    b'%s%d\nevent: %s\ndata: %s,"n":%d,"at":%d}\n\n'
                    % (start, n, kind, fields, n, stamped.at)
                )
        return frames


def whole(events: Iterable[Stamped]) -> dict[str, Any]:
    """The turn's answer: its messages, usage and end."""
    state = fold(events)
    return {
        "turn_id": state.turn_id,
        "session_id": state.session_id,
        "messages": state.messages(),
        "usage": state.total_usage(),
        "end": state.terminal,
    }
