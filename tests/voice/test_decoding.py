from __future__ import annotations

import asyncio
import io
import wave
from pathlib import Path

import pytest

from talkwire.canon.errors import HearingError, TalkwireError
from talkwire.canon.hearing import RATE
from talkwire.voice import decoding
from talkwire.voice.children import Children
from talkwire.voice.decoding import Bounds, Decoder
from tests.voice import sounds


@pytest.fixture
def children() -> Children:
    return Children(at_once=2, queue_s=20)


async def _code(decoder: Decoder, audio: bytes) -> tuple[str, int]:
    with pytest.raises(TalkwireError) as caught:
        await decoder.decode(audio)
    return caught.value.code, caught.value.status


@pytest.mark.parametrize("kind", sounds.KINDS)
async def test_every_kind_becomes_the_same_sound(kind: str, children: Children) -> None:
    sound = await Decoder(children).decode(sounds.encoded(kind, sounds.syllables(1.0)))

    assert sound.speaks
    assert abs(sound.duration_ms - 1_000) < 120
    with wave.open(io.BytesIO(sound.wav)) as opened:
        shape = opened.getframerate(), opened.getsampwidth(), opened.getnchannels()
        assert shape == (RATE, 2, 1)
        assert abs(opened.getnframes() * 1000 // RATE - sound.duration_ms) <= 1


async def test_two_channels_become_one(children: Children) -> None:
    left = sounds.syllables(0.5)
    pairs = b"".join(left[k : k + 2] + b"\0\0" for k in range(0, len(left), 2))

    sound = await Decoder(children).decode(sounds.wav(pairs, channels=2))

    assert sound.speaks
    assert abs(sound.duration_ms - 500) <= 20


async def test_silence_is_sound_in_which_nobody_speaks(children: Children) -> None:
    sound = await Decoder(children).decode(sounds.wav(sounds.quiet(1)))

    assert (sound.speaks, sound.duration_ms) == (False, 1_000)


async def test_what_is_no_sound_is_refused_with_a_reason(children: Children) -> None:
    decoder = Decoder(children)

    assert await _code(decoder, b"") == ("audio_undecodable", 422)
    assert await _code(decoder, b"%PDF-1.7") == ("audio_undecodable", 422)
    assert await _code(decoder, b"OggS" + bytes(100)) == ("audio_undecodable", 422)


async def test_what_is_too_long_is_refused_wherever_that_shows(children: Children) -> None:
    decoder = Decoder(children, Bounds(most_s=1.0))

    assert await _code(decoder, sounds.wav(sounds.syllables(1.1))) == ("audio_too_long", 413)
    assert await _code(decoder, sounds.silent_flac(36_000)) == ("audio_too_long", 413)
    assert (await decoder.decode(sounds.wav(sounds.syllables(1.0)))).duration_ms == 1_000


async def test_what_takes_too_long_is_refused(
    children: Children, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    slow = tmp_path / "slow.py"
    slow.write_text("import time; time.sleep(60)", "utf-8")
    monkeypatch.setattr(decoding, "_PROGRAM", slow)

    refused = await _code(Decoder(children, Bounds(timeout_s=0.3)), sounds.wav(b"\0\0" * 9))

    assert refused == ("audio_undecodable", 422)


async def test_without_the_library_it_says_what_to_install(
    children: Children, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bare = tmp_path / "bare.py"
    bare.write_text("raise SystemExit(5)", "utf-8")
    monkeypatch.setattr(decoding, "_PROGRAM", bare)

    with pytest.raises(HearingError) as caught:
        await Decoder(children).decode(sounds.wav(b"\0\0" * 9))

    assert (caught.value.code, caught.value.status) == ("hearing_unavailable", 503)
    assert "talkwire[voice]" in caught.value.message


async def test_the_loop_goes_on_while_something_is_decoded(children: Children) -> None:
    turns = 0

    async def beat() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    beating = asyncio.create_task(beat())
    await Decoder(children).decode(sounds.silent_flac(500))
    beating.cancel()

    assert turns > 50
