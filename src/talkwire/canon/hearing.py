"""Speech on its way to becoming text."""

from __future__ import annotations

from msgspec import Struct

RATE = 16_000
"""Samples a second of all sound that is listened to; each is 16 bit, and there is one channel."""


class Recording(Struct, frozen=True):
    """What an upload holds: a WAV of `RATE`, how long it lasts, and whether somebody speaks."""

    wav: bytes
    duration_ms: int
    speaks: bool


class Heard(Struct, frozen=True):
    """What was understood of speech. `language` is a BCP 47 tag, "" where nobody can tell."""

    text: str
    language: str = ""


class Spoken(Struct, frozen=True):
    """What somebody has said: never an empty text, and how long it took."""

    text: str
    language: str
    duration_ms: int
