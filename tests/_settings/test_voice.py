from __future__ import annotations

from typing import Any

import pytest

from talkwire._settings.voice import VoiceSettings


def test_without_a_word_the_best_voice_there_is_speaks_after_the_text() -> None:
    settings = VoiceSettings()

    assert (settings.provider, settings.mode, settings.format) == ("auto", None, "mp3")
    assert settings.retention_s is None


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"provider": "clone"}, "clone_base_url"),
        ({"provider": "piper"}, "provider"),
        ({"format": "flac"}, "format"),
        ({"mode": "now"}, "mode"),
        ({"espeak": {"rate": 1_000}}, "rate"),
        ({"ahead": {"sentences": 99}}, "sentences"),
        ({"openai": {"base_url": "ftp://voice.example"}}, "base_url"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        VoiceSettings.model_validate(given)


def test_voices_may_come_from_a_variable() -> None:
    given = {"espeak": {"voices": '{"nora": "en-us+f3"}'}, "openai": {"api_key": "sk-1"}}
    settings = VoiceSettings.model_validate(given)

    assert settings.espeak.voices == {"nora": "en-us+f3"}
    assert "sk-1" not in repr(settings)
