"""The program that decodes: an upload on stdin, 16 kHz 16 bit mono samples on stdout.

`python _decode_child.py CONTAINER MOST_MS MEMORY_BYTES CPU_S`. It is a process of its own, since
decoders are large programs in C and uploads come from anybody: what breaks one, or blows it up,
ends here. Before a byte is looked at it gives up what it does not need: memory over the bound, CPU
time, files, the network. It imports nothing of the package.
"""

from __future__ import annotations

import io
import resource
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from av import AudioFrame, AudioResampler, AudioStream
    from av.container import InputContainer

OK, UNDECODABLE, TOO_LONG, MISSING = 0, 3, 4, 5
RATE = 16_000
CHANNELS = 8
SLOWEST, FASTEST = 4_000, 192_000  # samples a second
_BROKEN_PACKETS = 500  # so many that make no sense are passed over
_CODECS = (
    *("pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_u8", "pcm_f32le", "pcm_f64le", "pcm_alaw"),
    *("pcm_mulaw", "mp3", "mp3float", "opus", "libopus", "vorbis", "flac", "aac", "alac"),
)
_SILENCE = (
    b"RIFF\x64\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00"
    b"\x02\x00\x10\x00data\x40\x00\x00\x00" + bytes(64)
)


class Unusable(Exception):
    """This is no sound that can be listened to."""


class TooLong(Exception):
    """There is more of it than is listened to."""


def confine(memory_bytes: int, cpu_s: int) -> None:
    """Give up all that decoding does not need; none of it comes back."""
    for kind, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_NOFILE, 3),  # no other file, and no socket, can be opened
    ):
        with suppress(ValueError, OSError):  # stricter already, or not known to this system
            resource.setrlimit(kind, (most, most))


def samples(upload: bytes, container: str) -> Iterator[bytes]:
    """The sound, piece by piece. A file that was cut ends where it was cut.

    :raises Unusable: nothing in it can be decoded.
    """
    import av

    options = {
        "protocol_whitelist": "none",
        "format_whitelist": container,
        "codec_whitelist": ",".join(_CODECS),  # of what is tried out while it is opened
        "max_streams": "16",
    }
    found = False
    try:
        with av.open(
            io.BytesIO(upload), format=container, options=options, metadata_errors="ignore"
        ) as opened:
            if not opened.streams.audio:
                raise Unusable
            stream = opened.streams.audio[0]
            if stream.codec_context.name not in _CODECS:
                raise Unusable
            stream.codec_context.thread_count = 1
            for piece in _resampled(_frames(cast("InputContainer", opened), stream)):
                found = True
                yield piece
    except (av.FFmpegError, ValueError, OverflowError, MemoryError):
        if not found:
            raise Unusable from None


def _frames(opened: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    import av

    left = _BROKEN_PACKETS
    for packet in opened.demux(stream):
        try:
            frames = packet.decode()
        except av.FFmpegError:
            left -= 1
            if left == 0:
                return
            continue
        yield from frames


def _resampled(frames: Iterator[AudioFrame]) -> Iterator[bytes]:
    import av

    resampler: AudioResampler | None = None
    shape: tuple[str, str, int] | None = None
    for frame in frames:
        now = (frame.format.name, frame.layout.name, frame.sample_rate)
        if not 0 < len(frame.layout.channels) <= CHANNELS:
            raise Unusable
        if not SLOWEST <= frame.sample_rate <= FASTEST:
            raise Unusable
        if resampler is None or now != shape:  # chained files change their mind
            if resampler is not None:
                yield from _planes(resampler.resample(None))
            resampler, shape = av.AudioResampler("s16", "mono", RATE), now
        frame.pts = None
        yield from _planes(resampler.resample(frame))
    if resampler is not None:
        yield from _planes(resampler.resample(None))


def _planes(frames: Sequence[AudioFrame]) -> Iterator[bytes]:
    for frame in frames:
        if frame.samples:
            yield bytes(frame.planes[0])[: 2 * frame.samples]


def main(container: str, most_ms: int, memory_bytes: int, cpu_s: int) -> int:
    """Decode stdin to stdout. The exit status."""
    try:
        import av
    except ImportError:
        return MISSING
    av.logging.set_level(None)
    # Once through all of it, with sound of our own: the library loads much of itself when it is
    # first used, and there will be no opening of files.
    for _ in samples(_SILENCE, "wav"):
        pass
    upload = sys.stdin.buffer.read()
    confine(memory_bytes, cpu_s)
    left = most_ms * RATE // 1000 * 2
    out = sys.stdout.buffer
    try:
        for piece in samples(upload, container):
            if len(piece) > left:
                return TOO_LONG
            left -= len(piece)
            out.write(piece)
        out.flush()
    except (Unusable, MemoryError):
        return UNDECODABLE
    except BrokenPipeError:  # nobody listens any more
        return UNDECODABLE
    return OK if left < most_ms * RATE // 1000 * 2 else UNDECODABLE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
