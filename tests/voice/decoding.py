"""Audio as a player would decode it, and sounds to make some of."""

from __future__ import annotations

import io
import math
import struct

import av

from talkwire.voice.wav import header


def seconds(audio: bytes) -> float:
    """How long the whole stream lasts when all of it is decoded. Fails where it cannot be."""
    with av.open(io.BytesIO(audio), "r") as container:
        (stream,) = container.streams
        frames = [frame for frame in container.decode(stream) if isinstance(frame, av.AudioFrame)]
    return sum(frame.samples / frame.sample_rate for frame in frames)


def tone(lasts_s: float, rate: int = 24_000) -> bytes:
    """Samples of a tone that is heard."""
    count = round(lasts_s * rate)
    return b"".join(
        struct.pack("<h", int(8_000 * math.sin(2_764.6 * n / rate))) for n in range(count)
    )


def wav(lasts_s: float, rate: int = 24_000) -> bytes:
    """A tone as a WAV whose end is not known."""
    return header(rate, 1) + tone(lasts_s, rate)
