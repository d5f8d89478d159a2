from __future__ import annotations

from pathlib import Path

import pytest

from talkwire.canon.errors import HearingError
from talkwire.voice import sphinx
from talkwire.voice.children import Children
from talkwire.voice.decoding import Decoder, wav
from talkwire.voice.sphinx import SphinxHearing
from tests.voice import sounds


@pytest.fixture
def children() -> Children:
    return Children(at_once=1, queue_s=20)


@sounds.needs_espeak
async def test_clear_english_words_are_understood(children: Children) -> None:
    sound = await Decoder(children).decode(sounds.spoken("one two three four five", "en-us+f3"))

    heard = await SphinxHearing(children).hear(sound.wav, language="en-US")

    assert heard.language == "en"
    assert len({"one", "two", "three", "four", "five"} & set(heard.text.split())) >= 3


@pytest.mark.parametrize("language", ["zh", "zh-CN", "de", "eng"])
async def test_another_language_is_refused_and_not_made_english(
    children: Children, language: str
) -> None:
    with pytest.raises(HearingError) as caught:
        await SphinxHearing(children).hear(wav(sounds.quiet(0.5)), language=language)

    assert (caught.value.code, caught.value.status) == ("language_unsupported", 422)
    assert caught.value.param == "language"


async def test_what_takes_too_long_is_killed(children: Children) -> None:
    with pytest.raises(HearingError, match="too long"):
        await SphinxHearing(children, timeout_s=0.01).hear(wav(sounds.hiss(1)), language=None)

    assert children.running == set()


async def test_without_the_package_it_says_what_to_install(
    children: Children, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bare = tmp_path / "bare.py"
    bare.write_text("raise SystemExit(5)", "utf-8")
    monkeypatch.setattr(sphinx, "_PROGRAM", bare)
    monkeypatch.setattr(sphinx, "installed", lambda: False)
    hearing = SphinxHearing(children)

    with pytest.raises(HearingError, match=r"talkwire\[voice\]"):
        await hearing.hear(wav(b""), language="en")
    with pytest.raises(HearingError, match=r"talkwire\[voice\]"):
        await hearing.check()


async def test_it_tells_what_it_is(children: Children) -> None:
    hearing = SphinxHearing(children)

    assert "English" in await hearing.check()
    await hearing.close()
