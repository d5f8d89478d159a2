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


def parse(stream: bytes) -> list[Frame]:
    """Every frame is exactly `id`, `event`, `data` and an empty line; nothing else may stand."""
    assert b"\r" not in stream
    text = stream.decode()
    if not text:
        return []
    assert text.endswith("\n\n")
    frames = []
    for block in text[:-2].split("\n\n"):
        lines = block.split("\n")
        assert lines == block.splitlines(), "a character that some clients take for a line end"
        names, values = zip(*(line.split(": ", 1) for line in lines), strict=True)
        assert names == ("id", "event", "data")
        assert all(values)
        frames.append(Frame(*values))
    return frames
