"""MP3 frame by frame (ISO/IEC 11172-3, 2.4.1): to join streams, and to know how long they last."""

from __future__ import annotations

from typing import NamedTuple

_V1_KBPS = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_V2_KBPS = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_LAYER_3 = 1


class _Frame(NamedTuple):
    size: int
    ms: float
    side: int  # bytes between the header and what an encoder writes of itself


class Mp3Frames:
    """One stream's frames, without tags and without the frame in which an encoder describes the
    file: joined to those of others they are one stream. What does not begin as MP3 is passed on as
    it is.
    """

    def __init__(self) -> None:
        self.ms = 0.0
        self._held = b""
        self._skip = 0
        self._first = True
        self._other = False

    def feed(self, read: bytes) -> bytes:
        """The whole frames that have come."""
        if self._other:
            return read
        self._held += read
        if self._first and not self._tag():
            return b""
        frames: list[bytes] = []
        at = 0
        while len(self._held) - at >= 4:
            frame = _frame(self._held[at : at + 4])
            if frame is None:
                if self._first:
                    self._other = True
                    whole, self._held = self._held, b""
                    return whole
                at += 1
                continue
            if len(self._held) - at < frame.size:
                break
            data = self._held[at : at + frame.size]
            at += frame.size
            if not (self._first and _describes(data, frame.side)):
                frames.append(data)
                self.ms += frame.ms
            self._first = False
        self._held = self._held[at:]
        return b"".join(frames)

    def end(self) -> bytes:
        """What is left: nothing of an MP3, since half a frame is none."""
        left, self._held = self._held, b""
        return left if self._first and not self._skip else b""

    def _tag(self) -> bool:
        """Leave an ID3 tag out; False as long as more of it is to come."""
        if not self._skip and len(self._held) < 10:
            return False
        if not self._skip and self._held[:3] == b"ID3":
            size = 0
            for byte in self._held[6:10]:
                size = size << 7 | byte & 0x7F
            self._skip = size + 10
        gone = min(self._skip, len(self._held))
        self._held, self._skip = self._held[gone:], self._skip - gone
        return not self._skip


def _frame(header: bytes) -> _Frame | None:
    word = int.from_bytes(header, "big")
    version, layer = word >> 19 & 3, word >> 17 & 3
    bitrate, rate = word >> 12 & 15, word >> 10 & 3
    if word >> 21 != 0x7FF or version == 1 or layer != _LAYER_3 or bitrate in (0, 15) or rate == 3:
        return None
    first = version == 3
    kbps = (_V1_KBPS if first else _V2_KBPS)[bitrate]
    per_s = _RATES[version][rate]
    samples = 1152 if first else 576
    mono = word >> 6 & 3 == 3
    side = (17 if mono else 32) if first else (9 if mono else 17)
    size = samples // 8 * kbps * 1000 // per_s + (word >> 9 & 1)
    return _Frame(size, samples * 1000 / per_s, side)


def _describes(frame: bytes, side: int) -> bool:
    mark = frame[4 + side : 8 + side]
    return mark in (b"Xing", b"Info") or frame[36:40] == b"VBRI"
