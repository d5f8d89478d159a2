"""Sound files made for tests: what a voice would be like, real speech, and all containers."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
from functools import cache
from typing import Any

import av
import numpy as np
import pytest

RATE = 16_000
ESPEAK = shutil.which("espeak-ng")
needs_espeak = pytest.mark.skipif(ESPEAK is None, reason="espeak-ng is not installed")

# Container, codec, samples a second, of every kind of file that is taken.
KINDS: dict[str, tuple[str, str, int]] = {
    "wav": ("wav", "pcm_s16le", 22_050),
    "mp3": ("mp3", "libmp3lame", 24_000),
    "ogg": ("ogg", "libopus", 24_000),
    "webm": ("webm", "libopus", 48_000),
    "flac": ("flac", "flac", 44_100),
    "m4a": ("ipod", "aac", 44_100),
}


def tone(seconds: float, hertz: float = 220.0, loud: float = 0.3, rate: int = RATE) -> bytes:
    """A hum that stays as loud as it is."""
    return _samples(loud * np.sin(2 * np.pi * hertz * _times(seconds, rate)))


def hiss(seconds: float, loud: float = 0.1) -> bytes:
    """White noise."""
    return _samples(loud * np.random.default_rng(7).uniform(-1, 1, int(seconds * RATE)))


def quiet(seconds: float) -> bytes:
    """Nothing at all."""
    return bytes(2 * int(seconds * RATE))


def syllables(seconds: float = 1.0, rate: int = RATE, loud: float = 0.3) -> bytes:
    """Something as loud and as quiet as a voice is, twice a second."""
    at = _times(seconds, rate)
    swell = np.maximum(0.0, np.sin(4 * np.pi * at)) ** 2
    return _samples(loud * swell * np.sin(2 * np.pi * 180 * at))


def _times(seconds: float, rate: int) -> Any:
    return np.arange(int(seconds * rate)) / rate


def _samples(values: Any) -> bytes:
    return bytes((values * 32_767).astype("<i2").tobytes())


def wav(samples: bytes, *, rate: int = RATE, channels: int = 1, **claims: int) -> bytes:
    """A WAV; `claims` are `data_bytes`, `riff_bytes`, `bits` or `form` other than the truth."""
    bits, form = claims.get("bits", 16), claims.get("form", 1)
    a_second = rate * channels * bits // 8 % 2**32
    block = channels * bits // 8 % 65_536
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, form, channels, rate, a_second, block, bits)
    data = struct.pack("<4sI", b"data", claims.get("data_bytes", len(samples)))
    riff = struct.pack("<4sI4s", b"RIFF", claims.get("riff_bytes", 36 + len(samples)), b"WAVE")
    return riff + fmt + data + samples


def encoded(kind: str, samples: bytes, *, rate: int = RATE) -> bytes:
    """The samples (16 bit, one channel) as a file of this kind."""
    container, codec, out_rate = KINDS[kind]
    return written(container, codec, [samples], rate=rate, out_rate=out_rate)


def written(
    container: str,
    codec: str,
    pieces: Any,
    *,
    rate: int = RATE,
    out_rate: int = RATE,
    layout: str = "mono",
    bit_rate: int | None = None,
) -> bytes:
    """As `encoded`, of pieces that come one after another."""
    target = io.BytesIO()
    with av.open(target, "w", format=container) as opened:
        stream: Any = opened.add_stream(codec, rate=out_rate, layout=layout)
        if bit_rate is not None:
            stream.bit_rate = bit_rate
        stream.codec_context.open()
        size = stream.codec_context.frame_size or None
        resampler = av.AudioResampler(stream.codec_context.format, layout, out_rate, size)
        for piece in pieces:
            frame = av.AudioFrame("s16", "mono", len(piece) // 2)
            frame.sample_rate = rate
            frame.planes[0].update(piece)
            for ready in resampler.resample(frame):
                opened.mux(stream.encode(ready))
        for ready in resampler.resample(None):
            opened.mux(stream.encode(ready))
        opened.mux(stream.encode(None))
    return target.getvalue()


@cache
def spoken(text: str, voice: str = "en-us", speed: int = 140) -> bytes:
    """A WAV of espeak-ng saying this."""
    assert ESPEAK is not None
    command = [ESPEAK, "-v", voice, "-s", str(speed), "--stdout", text]
    said = subprocess.run(command, capture_output=True, check=True, timeout=30).stdout
    samples = said[44:]
    (rate,) = struct.unpack_from("<I", said, 24)
    return wav(samples, rate=rate)


def samples_of(file: bytes) -> tuple[bytes, int]:
    """The samples of a WAV of `wav`, and how many come a second."""
    (rate,) = struct.unpack_from("<I", file, 24)
    return file[44:], rate


def silent_flac(seconds: int, *, rate: int = 8_000) -> bytes:
    """Silence as FLAC writes it at its best: 65,535 samples in 14 bytes, hours in a few pages."""
    block = 65_535
    info = struct.pack(">HH", block, block) + bytes(6)
    info += struct.pack(">Q", rate << 44 | 15 << 36) + bytes(16)  # one channel, 16 bit
    frames = [_flac_frame(n) for n in range(seconds * rate // block + 1)]
    return b"fLaC\x80\x00\x00\x22" + info + b"".join(frames)


def _flac_frame(number: int) -> bytes:
    head = b"\xff\xf8\x74\x08" + chr(number).encode("utf-8", "surrogatepass")
    head += struct.pack(">H", 65_534)
    head += bytes([_crc(head, 0x07, 8)])
    body = head + b"\x00\x00\x00"  # a constant, which is 0
    return body + struct.pack(">H", _crc(body, 0x8005, 16))


def _crc(data: bytes, polynomial: int, bits: int) -> int:
    crc, top = 0, 1 << (bits - 1)
    for byte in data:
        crc ^= byte << (bits - 8)
        for _ in range(8):
            crc = (crc << 1 ^ polynomial if crc & top else crc << 1) & (2 * top - 1)
    return crc
