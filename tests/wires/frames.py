"""A strict reader of frames: accepts only the form that all clients understand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Frame:
    """One frame, taken apart."""

    id: str
    event: str
    text: str

    @property
    def data(self) -> Any:
        return json.loads(self.text)

    @property
    def kind(self) -> str:
        """The event's name, or what the data call it where the wire has no `event:` lines."""
        return self.event or str(self.data["type"])


def parse(stream: bytes, *, events: bool = True, ids: bool = True) -> list[Frame]:
    """Every frame is exactly `id`, `event`, `data` and an empty line; nothing else may stand.
    Without `events` there is no `event` either, without `ids` no `id`."""
    assert b"\r" not in stream
    text = stream.decode()
    if not text:
        return []
    assert text.endswith("\n\n")
    due = ("id",) * ids + ("event",) * events + ("data",)
    frames = []
    for block in text[:-2].split("\n\n"):
        lines = block.split("\n")
        assert lines == block.splitlines(), "a character that some clients take for a line end"
        names, values = zip(*(line.split(": ", 1) for line in lines), strict=True)
        assert names == due
        assert all(values)
        named = dict(zip(names, values, strict=True))
        frames.append(Frame(named.get("id", ""), named.get("event", ""), named["data"]))
    return frames
