"""Which voice settings mean."""

from __future__ import annotations

from typing import Any

import pytest

from talkwire.settings import Settings
from talkwire.speech import lacks_encoder, speech, vendor
from talkwire.voice import encoding, espeak
from talkwire.voice.clone import CloneVoice
from talkwire.voice.espeak import Espeak
from talkwire.voice.openai_speech import OpenAISpeech
from talkwire.voice.silence import Silence

CLONE = {"clone_base_url": "http://127.0.0.1:9"}
OPENAI = {"openai": {"base_url": "http://127.0.0.1:9/v1"}}
MOCK = {"use_mock": True}


@pytest.mark.parametrize(
    ("voice", "program", "kind"),
    [
        ({**CLONE, **OPENAI, **MOCK}, "/espeak-ng", Silence),
        ({**CLONE, **OPENAI}, "/espeak-ng", CloneVoice),
        (OPENAI, "/espeak-ng", OpenAISpeech),
        ({"openai": {"api_key": "k"}}, None, OpenAISpeech),
        ({}, "/espeak-ng", Espeak),
        ({}, None, None),
        ({**MOCK, **CLONE, "provider": "clone"}, None, CloneVoice),
        ({**CLONE, "provider": "openai"}, None, OpenAISpeech),
        ({**CLONE, "provider": "espeak"}, None, Espeak),
        ({**CLONE, "provider": "none"}, "/espeak-ng", None),
    ],
)
async def test_the_first_voice_that_there_is_speaks_or_the_one_that_is_named(
    voice: dict[str, Any], program: str | None, kind: type | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(espeak, "found", lambda: program)
    made = speech(Settings.model_validate({"voice": voice}))

    assert type(made) is (kind or type(None))
    if made is not None:
        await made.close()


@pytest.mark.parametrize(
    ("voice", "lacks"),
    [
        ({"provider": "espeak", "format": "mp3"}, True),
        ({"provider": "espeak", "format": "wav"}, False),
        ({**OPENAI, "provider": "openai", "format": "mp3"}, False),
        ({**OPENAI, "provider": "openai", "format": "opus"}, True),
        ({**CLONE, "provider": "clone", "format": "opus"}, False),
    ],
)
def test_without_the_extra_some_speak_wav(
    voice: dict[str, Any], lacks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings.model_validate({"voice": voice})
    assert not lacks_encoder(settings)
    monkeypatch.setattr(encoding, "available", lambda wanted: "wav")
    assert lacks_encoder(settings) == lacks


async def test_the_key_of_the_models_goes_to_their_own_service_alone() -> None:
    keyed = {"openai_api_key": "sk-1", "openai_base_url": "http://127.0.0.1:9/v1"}
    own = Settings.model_validate({**keyed, "voice": {"provider": "openai"}})
    other = Settings.model_validate({**keyed, "voice": OPENAI})

    for settings, told in ((own, "sk-1"), (other, None)):
        made = speech(settings)
        assert isinstance(made, OpenAISpeech)
        key = made._endpoint._api_key
        assert (key and key.get_secret_value()) == told
        await made.close()
    assert (vendor(own), vendor(other)) == ("openai", "openai")
