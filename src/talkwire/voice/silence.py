"""The voice without a service: real MP3 that any player decodes, and that says nothing."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator

from talkwire.canon.speech import Sound

# MPEG-1 Layer III, 32 kbit/s, 48 kHz, mono, no checksum: 24 ms in exactly 96 bytes. A frame whose
# side information is all zero has no coefficients, which decodes to silence.
FRAME = bytes.fromhex("fffb14c4").ljust(96, b"\0")
FRAME_MS = 24

_MIME = "audio/mpeg"
_FRAMES_A_PIECE = 10
_MS_A_CHARACTER = 60
_SHORTEST_MS, _LONGEST_MS = 480, 4_800


class Silence:
    """Fits the engine's `Speech`; as long as speaking the text would take, within bounds."""

    whole = True

    async def speak(
        self, text: str | AsyncIterator[str], *, voice_id: str, session_id: str
    ) -> AsyncGenerator[Sound, None]:
        """Whole frames, a multiple of 3 bytes a piece."""
        if isinstance(text, str):
            for sound in _silence(text):
                yield sound
            return
        async for sentence in text:
            for sound in _silence(sentence):
                yield sound

    async def check(self) -> str:
        """A short line for people."""
        return "silence: a real MP3 that says nothing (VOICE_USE_MOCK)"

    async def close(self) -> None:
        """Nothing is open."""


def _silence(text: str) -> Iterator[Sound]:
    wanted_ms = min(max(len(text) * _MS_A_CHARACTER, _SHORTEST_MS), _LONGEST_MS)
    left = -(-wanted_ms // FRAME_MS)
    while left > 0:
        now = min(left, _FRAMES_A_PIECE)
        yield Sound(FRAME * now, _MIME, now * FRAME_MS)
        left -= now
