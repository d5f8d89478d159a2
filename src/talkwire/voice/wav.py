"""WAV as a stream: read as it comes, and begun where nobody knows how long it will be."""

from __future__ import annotations

from msgspec import Struct

from talkwire.canon.errors import SpeechError

_MOST_HEADER_BYTES = 65_536
_PCM, _EXTENSIBLE = 1, 0xFFFE
_ENDLESS = 0x7FFF0000  # so long, or longer, is said by who cannot know
_UNKNOWN = 0xFFFFFFFF  # as others write it who cannot go back to the header


class Pcm(Struct, frozen=True):
    """Samples of 16 bit, the channels one after the other."""

    data: bytes
    rate: int
    channels: int = 1

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.data) / (2 * self.channels * self.rate)


class WavReader:
    """The samples of one WAV, which may be told to be as long as it gets."""

    def __init__(self) -> None:
        self._held = b""
        self._form: tuple[int, int] | None = None  # rate, channels
        self._in_data = False
        self._left: int | None = None  # bytes of samples to come, where that is told
        self._skip = 0

    def feed(self, read: bytes) -> Pcm | None:
        """The whole samples that have come. :raises SpeechError: it is no WAV of 16 bit."""
        self._held += read
        if not self._in_data:
            self._headers()
        if self._form is None or not self._in_data:
            return None
        rate, channels = self._form
        whole = len(self._held) - len(self._held) % (2 * channels)
        data, self._held = self._held[:whole], self._held[whole:]
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        return Pcm(data, rate, channels) if data else None

    def _headers(self) -> None:
        if len(self._held) < 12 and not self._skip:
            return
        if not self._skip:
            if self._held[:4] != b"RIFF" or self._held[8:12] != b"WAVE":
                raise SpeechError("The voice did not send the WAV that was asked for.")
            self._skip = 12
        while len(self._held) >= self._skip + 8:
            at = self._skip
            name = self._held[at : at + 4]
            size = int.from_bytes(self._held[at + 4 : at + 8], "little")
            if name == b"data":
                self._in_data = True
                self._held = self._held[at + 8 :]
                self._left = None if size == 0 or size >= _ENDLESS else size
                self._expect_form()
                return
            if at + size > _MOST_HEADER_BYTES:
                raise SpeechError("The voice sent a WAV that cannot be read.")
            if len(self._held) < at + 8 + size:
                return
            if name == b"fmt ":
                self._form = _form(self._held[at + 8 : at + 8 + size])
            self._skip = at + 8 + size + size % 2

    def _expect_form(self) -> None:
        if self._form is None:
            raise SpeechError("The voice sent a WAV that cannot be read.")


def _form(chunk: bytes) -> tuple[int, int]:
    kind = int.from_bytes(chunk[0:2], "little")
    channels = int.from_bytes(chunk[2:4], "little")
    rate = int.from_bytes(chunk[4:8], "little")
    bits = int.from_bytes(chunk[14:16], "little")
    good = kind in (_PCM, _EXTENSIBLE) and bits == 16 and channels in (1, 2)
    if not good or not 8_000 <= rate <= 192_000:
        raise SpeechError("The voice sent a WAV of a kind that is not understood.")
    return rate, channels


def header(rate: int, channels: int) -> bytes:
    """The beginning of a WAV of 16 bit that lasts until it ends."""
    block = 2 * channels
    form = b"".join(
        (
            _PCM.to_bytes(2, "little"),
            channels.to_bytes(2, "little"),
            rate.to_bytes(4, "little"),
            (rate * block).to_bytes(4, "little"),
            block.to_bytes(2, "little"),
            (16).to_bytes(2, "little"),
        )
    )
    unknown = _UNKNOWN.to_bytes(4, "little")
    fmt = b"fmt " + len(form).to_bytes(4, "little") + form
    return b"RIFF" + unknown + b"WAVE" + fmt + b"data" + unknown
