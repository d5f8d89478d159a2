from __future__ import annotations

import pytest

from talkwire.canon.errors import HearingError, TalkwireError, Unprocessable
from talkwire.canon.hearing import Heard, Recording, Spoken
from talkwire.engine.listening import Listening


class _Decoding:
    def __init__(self, sound: Recording) -> None:
        self._sound = sound

    async def decode(self, audio: bytes) -> Recording:
        if audio == b"broken":
            raise Unprocessable("no", code="audio_undecodable")
        return self._sound


class _Hearing:
    def __init__(self, text: str) -> None:
        self.asked: list[tuple[bytes, str | None]] = []
        self.closed = False
        self._text = text

    async def hear(self, audio: bytes, *, language: str | None) -> Heard:
        self.asked.append((audio, language))
        return Heard(self._text, language or "")

    async def check(self) -> str:
        return "here"

    async def close(self) -> None:
        self.closed = True


VOICE = Recording(b"RIFF", 1_500, speaks=True)
SILENCE = Recording(b"RIFF", 1_500, speaks=False)


async def test_what_is_said_comes_with_its_language_and_length() -> None:
    hearing = _Hearing(" What time is it? ")

    spoken = await Listening(_Decoding(VOICE), hearing).listen(b"x", language="en-GB")

    assert spoken == Spoken("What time is it?", "en-GB", 1_500)
    assert hearing.asked == [(b"RIFF", "en-GB")]


async def test_nobody_is_asked_about_silence() -> None:
    hearing = _Hearing("you you you")

    with pytest.raises(Unprocessable) as caught:
        await Listening(_Decoding(SILENCE), hearing).listen(b"x", language=None)

    assert (caught.value.code, caught.value.status, caught.value.param) == (
        "no_speech",
        422,
        "audio",
    )
    assert hearing.asked == []


async def test_no_words_are_no_speech() -> None:
    with pytest.raises(Unprocessable) as caught:
        await Listening(_Decoding(VOICE), _Hearing(" \n ")).listen(b"x", language=None)

    assert caught.value.code == "no_speech"


async def test_what_cannot_be_decoded_is_told_as_it_is() -> None:
    with pytest.raises(TalkwireError) as caught:
        await Listening(_Decoding(VOICE), _Hearing("x")).listen(b"broken", language=None)

    assert caught.value.code == "audio_undecodable"


async def test_without_anything_to_listen_with_it_says_what_to_set() -> None:
    with pytest.raises(HearingError) as caught:
        await Listening(_Decoding(VOICE), None).listen(b"x", language=None)

    assert (caught.value.code, caught.value.status) == ("hearing_unavailable", 503)
    assert not caught.value.retryable
    assert "voice.hearing.base_url" in caught.value.message


async def test_whether_it_answers_is_what_listens_to_say() -> None:
    assert await Listening(_Decoding(VOICE), _Hearing("x")).check() == "here"

    with pytest.raises(HearingError):
        await Listening(_Decoding(VOICE), None).check()


async def test_what_listens_is_closed_with_it() -> None:
    hearing = _Hearing("x")

    await Listening(_Decoding(VOICE), hearing).close()
    await Listening(_Decoding(VOICE), None).close()

    assert hearing.closed
