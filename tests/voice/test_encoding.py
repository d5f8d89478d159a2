from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncGenerator

import pytest

from talkwire.canon.errors import SpeechError
from talkwire.voice.encoding import MIMES, Compressed, Format, available, encoded
from talkwire.voice.wav import Pcm
from tests.voice.decoding import seconds, tone


async def _source(*parts: tuple[float, int]) -> AsyncGenerator[Pcm, None]:
    for lasts_s, rate in parts:
        samples = tone(lasts_s, rate)
        for start in range(0, len(samples), 8_000):
            yield Pcm(samples[start : start + 8_000], rate)


@pytest.mark.parametrize(
    ("wanted", "begins", "slack_s"),
    [("wav", b"RIFF", 0), ("mp3", b"\xff", 0.1), ("opus", b"OggS", 0.05)],
)
async def test_all_pieces_together_are_one_stream_that_can_be_decoded(
    wanted: Format, begins: bytes, slack_s: float
) -> None:
    sounds = [s async for s in encoded(_source((1.5, 22_050)), wanted, max_bytes=200_000)]
    audio = b"".join(sound.data for sound in sounds)

    assert audio.startswith(begins)
    assert audio.count(b"RIFF") + audio.count(b"OpusHead") <= 1
    assert seconds(audio) == pytest.approx(1.5, abs=slack_s + 0.001)
    assert sum(sound.ms for sound in sounds) == pytest.approx(1500, abs=1)
    assert {sound.mime for sound in sounds} == {MIMES[wanted]}
    assert all(len(sound.data) % 3 == 0 for sound in sounds[:-1])
    assert len(sounds) > 3  # told as it is made


@pytest.mark.parametrize("wanted", ["mp3", "opus"])
async def test_one_encoder_takes_samples_of_several_rates(wanted: Format) -> None:
    source = _source((0.5, 22_050), (0.5, 24_000), (0.5, 48_000))
    audio = b"".join([s.data async for s in encoded(source, wanted, max_bytes=200_000)])

    assert seconds(audio) == pytest.approx(1.5, abs=0.15)


def test_both_channels_become_one() -> None:
    encoder = Compressed("mp3")
    audio = encoder.add(Pcm(tone(1.0, 48_000), 24_000, channels=2)) + encoder.end()

    assert seconds(audio) == pytest.approx(1.0, abs=0.1)


async def test_a_wav_has_one_rate() -> None:
    source = _source((0.1, 22_050), (0.1, 24_000))
    with pytest.raises(SpeechError, match="sampling rate"):
        _ = [s async for s in encoded(source, "wav", max_bytes=200_000)]


async def test_a_stream_has_its_bounds_and_is_of_something() -> None:
    with pytest.raises(SpeechError, match="more than 1000 bytes"):
        _ = [s async for s in encoded(_source((1.0, 24_000)), "wav", max_bytes=1_000)]
    with pytest.raises(SpeechError, match="no audio"):
        _ = [s async for s in encoded(_source(), "wav", max_bytes=1_000)]


def test_without_the_extra_there_is_wav(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [available(wanted) for wanted in ("wav", "mp3", "opus")] == ["wav", "mp3", "opus"]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert [available(wanted) for wanted in ("wav", "mp3", "opus")] == ["wav"] * 3


def test_the_library_is_imported_by_who_encodes_alone() -> None:
    code = "import sys, talkwire.app, talkwire.voice.encoding; sys.exit('av' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
