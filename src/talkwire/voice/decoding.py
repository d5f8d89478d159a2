"""Uploads to sound: what they are is found out here, and a process of its own decodes them.

A bomb is cut where the longest recording ends, whatever its header claims; see `_decode_child`
for what the process may use.
"""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass
from pathlib import Path

from talkwire.canon.errors import HearingError, PayloadTooLarge, Unprocessable
from talkwire.canon.hearing import RATE, Recording
from talkwire.voice import _decode_child as child
from talkwire.voice.activity import speaks
from talkwire.voice.children import Children, Overrun
from talkwire.voice.sniffing import container

_PROGRAM = Path(child.__file__)
_MISSING = "This server cannot listen: install what it needs (pip install 'talkwire[voice]')."
_TAKEN = "wav, mp3, ogg (opus), webm, flac or m4a"


@dataclass(frozen=True)
class Bounds:
    """What one recording may be, and what decoding it may use."""

    most_s: float = 600.0
    timeout_s: float = 30.0
    memory_bytes: int = 1_073_741_824


class Decoder:
    """Fits the engine's `Decoding`."""

    def __init__(self, children: Children, bounds: Bounds | None = None) -> None:
        self._children = children
        self._bounds = bounds or Bounds()

    async def decode(self, audio: bytes) -> Recording:
        """The sound of an upload of whatever kind, up to where it was cut.

        :raises Unprocessable: `audio_undecodable`: no sound that is known here.
        :raises PayloadTooLarge: `audio_too_long`.
        :raises HearingError: `hearing_unavailable`: what it takes is not installed.
        :raises Unavailable: too much is decoded already.
        """
        kind = container(audio)
        if kind is None:
            raise _undecodable(f"The audio is not {_TAKEN}." if audio else "The audio is empty.")
        bounds = self._bounds
        most_ms = round(bounds.most_s * 1000)
        cpu_s = round(bounds.timeout_s) + 1
        try:
            ended = await self._children.run(
                _PROGRAM,
                [kind, str(most_ms), str(bounds.memory_bytes), str(cpu_s)],
                audio,
                timeout_s=bounds.timeout_s,
                most_bytes=most_ms * RATE // 1000 * 2,
            )
        except Overrun:
            raise _undecodable("The audio takes too long to be decoded.") from None
        if ended.status == child.TOO_LONG:
            raise _too_long(bounds.most_s)
        if ended.status == child.MISSING:
            raise unavailable(_MISSING)
        if ended.status != child.OK:
            raise _undecodable("The audio cannot be decoded.")
        duration_ms = max(1, len(ended.out) // 2 * 1000 // RATE)
        return Recording(wav(ended.out), duration_ms, await asyncio.to_thread(speaks, ended.out))


def wav(samples: bytes) -> bytes:
    """The samples of 16 bit and one channel as a file."""
    size = len(samples)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    head = struct.pack("<4sI4s", b"RIFF", 36 + size, b"WAVE")
    return head + form + struct.pack("<4sI", b"data", size) + samples


def unavailable(message: str) -> HearingError:
    """The server has nothing to listen with; asking again does not help."""
    error = HearingError(message, code="hearing_unavailable")
    error.status, error.retryable = 503, False
    return error


def _undecodable(message: str) -> Unprocessable:
    return Unprocessable(message, code="audio_undecodable", param="audio")


def _too_long(most_s: float) -> PayloadTooLarge:
    message = f"The audio is longer than {most_s:g} seconds."
    return PayloadTooLarge(message, code="audio_too_long", param="audio")
