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


def mp3_file(lasts_s: float, rate: int = 44_100) -> bytes:
    """A tone as an MP3 file, with a tag and the frame in which the encoder describes it."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp3", metadata_errors="strict") as container:
        container.metadata["title"] = "a title"
        stream = container.add_stream("libmp3lame", rate=rate, layout="mono")
        samples = tone(lasts_s, rate)
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(samples) // 2)
        frame.sample_rate = rate
        frame.planes[0].update(samples)
        for each in av.AudioResampler(stream.format.name, "mono", rate).resample(frame):
            container.mux(stream.encode(each))
        container.mux(stream.encode(None))
    return out.getvalue()


def wav(lasts_s: float, rate: int = 24_000) -> bytes:
    """A tone as a WAV whose end is not known."""
    return header(rate, 1) + tone(lasts_s, rate)
