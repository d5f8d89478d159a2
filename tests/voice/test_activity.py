from __future__ import annotations

import pytest

from talkwire.voice.activity import speaks
from tests.voice import sounds
from tests.voice.sounds import hiss, quiet, syllables, tone


@pytest.mark.parametrize(
    "samples",
    [
        b"",
        quiet(3),
        tone(3, 50),
        tone(3, 1_000, loud=0.9),
        hiss(3),
        hiss(3, loud=0.6),
        b"\x00\x60" * 40_000,
        quiet(1) + b"\xff\x7f" * 20 + quiet(1),
        syllables(2, loud=0.001),
        syllables(0.1),
    ],
    ids=[
        "nothing",
        "silence",
        "hum",
        "whistle",
        "hiss",
        "storm",
        "offset",
        "click",
        "faint",
        "blip",
    ],
)
def test_what_stays_as_loud_as_it_is_is_no_voice(samples: bytes) -> None:
    assert not speaks(samples)


@pytest.mark.parametrize("loud", [0.9, 0.3, 0.05, 0.01])
def test_what_comes_and_goes_is_one(loud: float) -> None:
    assert speaks(syllables(1, loud=loud))
    assert speaks(quiet(2) + syllables(0.5, loud=loud) + quiet(2))


@sounds.needs_espeak
@pytest.mark.parametrize("text", ["yes", "no", "good morning", "What is the time in Lisbon?"])
def test_real_words_are_one(text: str) -> None:
    samples, _ = sounds.samples_of(sounds.spoken(text, "en-gb"))

    assert speaks(samples)
