"""A stream's bytes cut so that the base64 of each piece can be decoded by itself."""

from __future__ import annotations

from talkwire.canon.errors import SpeechError
from talkwire.canon.speech import Sound

MOST_PIECE_BYTES = 24_576


class Pieces:
    """One stream: the same bytes, each piece a multiple of 3 long except the last, none over
    `MOST_PIECE_BYTES`. What has come goes on at once; at most 2 bytes wait for more.

    `max_bytes` is what the whole stream may be at most.
    """

    def __init__(self, mime: str, *, max_bytes: int) -> None:
        self._mime = mime
        self._max_bytes = max_bytes
        self._held = b""
        self._ms = 0.0
        self._length = 0

    def add(self, data: bytes, ms: float = 0.0) -> list[Sound]:
        """What can go on of these bytes, which last so long. :raises SpeechError: too much."""
        self._ms += ms
        self._length += len(data)
        if self._length > self._max_bytes:
            raise SpeechError(f"The voice service sent more than {self._max_bytes} bytes.")
        self._held += data
        return self._cut(len(self._held) - len(self._held) % 3)

    def end(self) -> list[Sound]:
        """The rest. :raises SpeechError: there was nothing at all."""
        if self._length == 0:
            raise SpeechError("The voice service sent no audio.")
        rest = self._cut(len(self._held))
        return rest or ([Sound(b"", self._mime, self._ms)] if self._ms else [])

    def _cut(self, until: int) -> list[Sound]:
        found: list[Sound] = []
        for start in range(0, until, MOST_PIECE_BYTES):
            data = self._held[start : min(start + MOST_PIECE_BYTES, until)]
            found.append(Sound(data, self._mime, self._ms))
            self._ms = 0.0
        self._held = self._held[until:]
        return found
