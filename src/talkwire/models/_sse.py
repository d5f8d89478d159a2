"""Server-sent events out of bytes cut anywhere (https://html.spec.whatwg.org/#server-sent-events).

Only whole lines are ever decoded, so a character cut in two is no matter. Deviation: what stands
at the end without a blank line is still an event, since servers forget it after `[DONE]`.
"""

from __future__ import annotations

import re

from talkwire.canon.errors import UpstreamInvalid

FRAME_BYTES = 1_048_576
_BOM = b"\xef\xbb\xbf"
_NAMED = re.compile(rb"^event: (.*)\ndata: (.*)\n\n", re.MULTILINE).findall
_UNNAMED = re.compile(rb"^data: (.*)\n\n", re.MULTILINE).findall

Frame = tuple[bytes, bytes]
"""The event's name (b"" for none) and its data."""


class Decoder:
    """One stream's bytes, in order."""

    def __init__(self) -> None:
        self._rest = b""
        self._plain = False  # nothing is held back: the next piece begins an event
        self._skip_lf = False
        self._at_start = True
        self._foreign = False

    @property
    def foreign(self) -> bool:
        """Nothing that came looks like an event stream; also when nothing came at all."""
        return self._at_start or self._foreign

    @property
    def between(self) -> bool:
        """Nothing is held back: what comes next begins an event, and may be read by others."""
        return self._plain

    def feed(self, chunk: bytes) -> list[Frame]:
        """The events that this piece completes. :raises UpstreamInvalid: one is over 1 MiB."""
        if self._plain and b"\r" not in chunk and (found := _whole_events(chunk)):
            return found
        if self._skip_lf or b"\r" in chunk:
            chunk = self._line_feeds(chunk)
        if self._rest:
            chunk = self._rest + chunk
        if self._at_start and not self._begin(chunk):
            return []
        if self._at_start:
            self._at_start = False
            chunk = chunk.removeprefix(_BOM)
            self._foreign = chunk.lstrip()[:1] in (b"<", b"{", b"[", b"")
        blocks = chunk.split(b"\n\n")
        self._rest = rest = blocks.pop()
        if len(rest) > FRAME_BYTES:
            raise UpstreamInvalid("The model's server sends a line of more than 1 MiB.")
        self._plain = not rest and not self._skip_lf
        return self._frames(blocks)

    def end(self) -> list[Frame]:
        """The event that the stream's end completes, if any."""
        rest, self._rest = self._rest.removeprefix(_BOM if self._at_start else b""), b""
        return self._frames([rest]) if rest else []

    def _begin(self, chunk: bytes) -> bool:
        if len(chunk) < len(_BOM) and _BOM.startswith(chunk):
            self._rest = chunk
            return False
        return True

    def _line_feeds(self, chunk: bytes) -> bytes:
        """All three line ends made one; a CR LF may lie across two pieces."""
        if self._skip_lf and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._skip_lf = False
        if chunk.endswith(b"\r"):
            self._skip_lf = True
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _frames(self, blocks: list[bytes]) -> list[Frame]:
        frames: list[Frame] = []
        for block in blocks:
            if b"\n" not in block:
                if block.startswith(b"data: "):
                    frames.append((b"", block[6:]))
                    continue
            elif block.startswith(b"event: "):
                name, _, data = block.partition(b"\n")
                if data.startswith(b"data: ") and b"\n" not in data:
                    frames.append((name[7:], data[6:]))
                    continue
            if (frame := _slowly(block)) is not None:
                frames.append(frame)
        return frames


def _whole_events(chunk: bytes) -> list[Frame]:
    """The events of a piece that is nothing but whole events of the usual two forms; else none.

    A match spans whole lines, so no byte is left out when the line feeds add up.
    """
    if chunk.startswith(b"event: "):
        found = _NAMED(chunk)
        lines = 3 * len(found)
    else:
        found = [(b"", data) for data in _UNNAMED(chunk)]
        lines = 2 * len(found)
    return found if lines == chunk.count(b"\n") and chunk.endswith(b"\n\n") else []


def _slowly(block: bytes) -> Frame | None:
    """The lines of one block, by the letter of the specification."""
    name = b""
    data: list[bytes] = []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return (name, b"\n".join(data)) if data else None
