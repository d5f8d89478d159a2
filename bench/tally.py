"""Counts content tokens in the bytes of a stream, whatever its dialect and however it was cut."""

from __future__ import annotations

from bench.frames import MARK

_MARK = MARK.encode()


class Tally:
    """The tokens of one stream.

    `stop` begins the part that repeats the text (dialects send the whole text at the end); tokens
    after it do not count. `end` is in the last frame of a stream that came to its end.
    """

    def __init__(self, stop: bytes, end: bytes) -> None:
        self._stop = stop
        self._end = end
        self._keep = max(len(stop), len(end)) - 1
        self._tail = b""
        self.tokens = 0
        self.stopped = False
        self.ended = False

    def feed(self, body: bytes) -> int:
        """Takes the next bytes; returns how many tokens they held."""
        seen = len(self._tail)
        joined = self._tail + body
        self._tail = joined[-self._keep :]
        fresh = 0
        if not self.stopped:
            at = joined.find(self._stop)
            self.stopped = at >= 0
            fresh = joined.count(_MARK, seen, max(at, seen) if at >= 0 else len(joined))
            self.tokens += fresh
        if self.stopped and not self.ended:
            self.ended = self._end in joined
        return fresh

    def fault(self, expected: int) -> str | None:
        """Why this is not the whole stream, or None."""
        if self.tokens != expected:
            return f"expected {expected} tokens, counted {self.tokens}"
        if not self.ended:
            return f"no {self._end.decode()!r} at the end"
        return None
