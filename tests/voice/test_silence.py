from __future__ import annotations

import base64
from collections.abc import AsyncGenerator

import pytest

from talkwire.voice.silence import Silence

BITRATE_KBPS = {1: 32, 2: 40, 3: 48, 4: 56, 5: 64}
SAMPLES_PER_S = {0: 44_100, 1: 48_000, 2: 32_000}


async def _spoken(text: str) -> list[bytes]:
    speech = Silence().speak(text, voice_id="v", session_id="s")
    return [sound.data async for sound in speech]


def _frames(audio: bytes) -> list[bytes]:
    """Walk from header to header as a decoder does (ISO/IEC 11172-3, 2.4.1.3)."""
    frames, at = [], 0
    while at < len(audio):
        header = int.from_bytes(audio[at : at + 4], "big")
        assert header >> 21 == 0x7FF, "frame sync"
        assert (header >> 19 & 3, header >> 17 & 3) == (3, 1), "MPEG-1 Layer III"
        rate = BITRATE_KBPS[header >> 12 & 15] * 1000
        size = 144 * rate // SAMPLES_PER_S[header >> 10 & 3] + (header >> 9 & 1)
        frames.append(audio[at : at + size])
        at += size
    assert at == len(audio)
    return frames


@pytest.mark.parametrize(("text", "ms"), [("", 480), ("Hello, world", 720), ("x" * 9_000, 4_800)])
async def test_the_audio_is_whole_mp3_frames_as_long_as_the_text(text: str, ms: int) -> None:
    frames = _frames(b"".join(await _spoken(text)))

    assert len(frames) * 24 == ms
    assert {len(frame) for frame in frames} == {96}
    # No samples, no reservoir: all that follows the header is zero.
    assert {frame[4:] for frame in frames} == {bytes(92)}


async def test_it_comes_in_pieces_that_can_each_be_decoded() -> None:
    pieces = await _spoken("x" * 30)

    assert len(pieces) > 1
    assert all(len(piece) % 3 == 0 for piece in pieces)
    assert all(_frames(base64.b64decode(base64.b64encode(piece))) for piece in pieces)


async def test_it_says_that_it_is_a_stand_in() -> None:
    assert "VOICE_USE_MOCK" in await Silence().check()


async def test_sentences_are_one_stream_and_it_says_how_long_it_is() -> None:
    async def sentences() -> AsyncGenerator[str, None]:
        yield "Hello, world"
        yield "x" * 9_000

    speech = Silence().speak(sentences(), voice_id="v", session_id="s")
    sounds = [sound async for sound in speech]

    assert len(_frames(b"".join(sound.data for sound in sounds))) * 24 == 720 + 4_800
    assert sum(sound.ms for sound in sounds) == 720 + 4_800
    assert {sound.mime for sound in sounds} == {"audio/mpeg"}
