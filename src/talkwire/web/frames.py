"""JSON for `data:` lines: one line for every client, however it finds line ends."""

from __future__ import annotations

import msgspec

_encode = msgspec.json.Encoder().encode
# Some clients split a stream's text at every Unicode line end. JSON escapes those below U+0020
# itself; the other three only stand in strings, so they can be replaced in the bytes.
_LINE_ENDS = (
    (b"\xc2\x85", b"\\u0085"),
    (b"\xe2\x80\xa8", b"\\u2028"),
    (b"\xe2\x80\xa9", b"\\u2029"),
)


def json_line(value: object) -> bytes:
    """Compact UTF-8 JSON without any character that a client may take for a line end."""
    line = _encode(value)
    if not line.isascii():
        for raw, escaped in _LINE_ENDS:
            line = line.replace(raw, escaped)
    return line
