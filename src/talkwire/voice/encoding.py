"""Samples to one stream of WAV, MP3 or Ogg Opus.

One encoder lives as long as the stream: a new one for each piece would click. MP3 and Opus are
PyAV's work, which is imported with the first such stream; without it there is WAV alone.
"""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Literal, Protocol

from talkwire.canon.errors import SpeechError
from talkwire.canon.speech import Sound
from talkwire.voice.pieces import Pieces
from talkwire.voice.wav import Pcm, header

if TYPE_CHECKING:
    import av
    from av.audio.stream import AudioStream

Format = Literal["wav", "mp3", "opus"]
MIMES: dict[Format, str] = {"wav": "audio/wav", "mp3": "audio/mpeg", "opus": "audio/ogg"}
_BITRATES = {"mp3": 64_000, "opus": 32_000}
_RATES = {"mp3": 24_000, "opus": 48_000}
_PAGE_US = "200000"  # an Ogg page is told when it is full, or has lasted so long


class Encoder(Protocol):
    """Makes one stream."""

    def add(self, pcm: Pcm) -> bytes:
        """What there is of the stream with these samples."""
        ...

    def end(self) -> bytes:
        """The rest of it."""
        ...


def available(wanted: Format) -> Format:
    """The format, or WAV where the extra `voice` is not installed; nothing is imported."""
    return wanted if wanted == "wav" or importlib.util.find_spec("av") else "wav"


async def encoded(
    source: AsyncGenerator[Pcm, None], wanted: Format, *, max_bytes: int
) -> AsyncGenerator[Sound, None]:
    """The samples as one stream. They are encoded in a thread. `source` is closed with it.

    :raises SpeechError: as `source` does, and where the stream gets too long.
    """
    encoder: Encoder = Wav() if wanted == "wav" else await asyncio.to_thread(Compressed, wanted)
    pieces = Pieces(MIMES[wanted], max_bytes=max_bytes)
    async with aclosing(source):
        async for pcm in source:
            data = await _added(encoder, pcm)
            for sound in pieces.add(data, pcm.seconds * 1000):
                yield sound
    for sound in pieces.add(await asyncio.to_thread(encoder.end)):
        yield sound
    for sound in pieces.end():
        yield sound


async def _added(encoder: Encoder, pcm: Pcm) -> bytes:
    if isinstance(encoder, Wav):
        return encoder.add(pcm)
    return await asyncio.to_thread(encoder.add, pcm)


class Wav:
    """Samples as they are, behind one header."""

    def __init__(self) -> None:
        self._form: tuple[int, int] | None = None

    def add(self, pcm: Pcm) -> bytes:
        """:raises SpeechError: the samples are of another kind than those before."""
        form = (pcm.rate, pcm.channels)
        if self._form is None:
            self._form = form
            return header(*form) + pcm.data
        if self._form != form:
            raise SpeechError("The voice changed its sampling rate in the middle of an answer.")
        return pcm.data

    def end(self) -> bytes:
        """Nothing: a WAV just ends."""
        return b""


class _Written:
    """Where PyAV writes; it cannot go back, so that what is written stays."""

    def __init__(self) -> None:
        self._held: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._held.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        taken = b"".join(self._held)
        self._held.clear()
        return taken


class Compressed:
    """MP3 or Ogg Opus, one channel."""

    def __init__(self, wanted: Format) -> None:
        import av

        self._av = av
        self._written = _Written()
        self._rate = _RATES[wanted]
        options = (
            {"write_xing": "0", "id3v2_version": "0"}
            if wanted == "mp3"
            else {"page_duration": _PAGE_US, "flush_packets": "1"}
        )
        container = "mp3" if wanted == "mp3" else "ogg"
        self._out: av.container.OutputContainer = av.open(
            self._written, "w", format=container, options=options
        )
        codec: Literal["libmp3lame", "libopus"] = "libmp3lame" if wanted == "mp3" else "libopus"
        self._stream: AudioStream = self._out.add_stream(codec, rate=self._rate, layout="mono")
        self._stream.bit_rate = _BITRATES[wanted]
        self._form: tuple[int, int] | None = None
        self._resampler: av.AudioResampler | None = None

    def add(self, pcm: Pcm) -> bytes:
        """May be nothing: an encoder holds some samples back."""
        form = (pcm.rate, pcm.channels)
        if form != self._form:
            self._flush()
            self._form = form
            self._resampler = self._av.AudioResampler(
                format=self._stream.format.name, layout="mono", rate=self._rate
            )
        layout = "mono" if pcm.channels == 1 else "stereo"
        samples = len(pcm.data) // (2 * pcm.channels)
        frame = self._av.AudioFrame(format="s16", layout=layout, samples=samples)
        frame.sample_rate = pcm.rate
        frame.planes[0].update(pcm.data)
        if self._resampler is not None:
            self._encode(self._resampler.resample(frame))
        return self._written.taken()

    def end(self) -> bytes:
        """The samples that were held back, and the stream's end."""
        self._flush()
        self._out.mux(self._stream.encode(None))
        self._out.close()
        return self._written.taken()

    def _flush(self) -> None:
        if self._resampler is not None:
            self._encode(self._resampler.resample(None))

    def _encode(self, frames: list[av.AudioFrame]) -> None:
        for frame in frames:
            frame.pts = None  # counted by the encoder: one stream, whatever it is made of
            self._out.mux(self._stream.encode(frame))
