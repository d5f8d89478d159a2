"""What a voice says, piece by piece."""

from __future__ import annotations

from msgspec import Struct


class Sound(Struct, frozen=True):
    """A piece of one stream of audio, which lasts `ms` milliseconds more with it; 0 where that is
    not known. All pieces but the last are a multiple of 3 bytes long. One without data only tells
    how long it lasts.
    """

    data: bytes
    mime: str
    ms: float = 0.0
