from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from talkwire.canon.errors import SpeechError
from talkwire.canon.speech import Sound
from talkwire.voice.ahead import Bounds
from talkwire.voice.joining import as_it_is, joined
from talkwire.voice.silence import FRAME, FRAME_MS
from tests.voice.decoding import mp3_file, seconds


async def _texts(*texts: str) -> AsyncGenerator[str, None]:
    for text in texts:
        yield text


async def _ask(text: str) -> AsyncGenerator[bytes, None]:
    yield b"ID3\x04\0\0\0\0\0\0"
    for _ in text:
        yield FRAME[:50]
        yield FRAME[50:]


async def _whole(speech: AsyncGenerator[Sound, None]) -> tuple[bytes, float]:
    sounds = [sound async for sound in speech]
    assert all(len(sound.data) % 3 == 0 for sound in sounds[:-1])
    return b"".join(sound.data for sound in sounds), sum(sound.ms for sound in sounds)


async def test_one_request_is_kept_to_the_byte() -> None:
    data, ms = await _whole(as_it_is(_ask("ab"), max_bytes=1_000))

    assert data == b"ID3\x04\0\0\0\0\0\0" + FRAME * 2
    assert ms == pytest.approx(2 * FRAME_MS)


async def test_several_are_one_stream_of_frames() -> None:
    data, ms = await _whole(joined(_texts("ab", "c"), _ask, Bounds(), max_bytes=1_000))

    assert data == FRAME * 3
    assert ms == pytest.approx(3 * FRAME_MS)


async def test_files_of_an_encoder_become_one_that_any_player_plays() -> None:
    file = mp3_file(1.0)
    assert file.startswith(b"ID3")
    assert b"Info" in file or b"Xing" in file

    async def ask(text: str) -> AsyncGenerator[bytes, None]:
        for start in range(0, len(file), 700):
            yield file[start : start + 700]

    data, ms = await _whole(joined(_texts("a", "b", "c"), ask, Bounds(), max_bytes=100_000))

    assert b"ID3" not in data
    assert seconds(data) == pytest.approx(3.0, abs=0.3)
    assert ms == pytest.approx(seconds(data) * 1000, abs=60)


async def test_all_of_them_together_may_not_be_too_long() -> None:
    with pytest.raises(SpeechError, match="more than 200 bytes"):
        await _whole(joined(_texts("ab", "c"), _ask, Bounds(), max_bytes=200))
