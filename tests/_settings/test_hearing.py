from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from talkwire._settings.hearing import HearingSettings
from talkwire.settings import load


def test_nothing_need_be_said() -> None:
    asked = HearingSettings()

    assert (asked.provider, asked.max_bytes, asked.max_s) == ("auto", 25 * 1_048_576, 600)


@pytest.mark.parametrize(
    "wrong",
    [
        {"provider": "whisper"},
        {"base_url": "ftp://x"},
        {"max_s": 0},
        {"max_bytes": 0},
        {"at_once": 0},
        {"max_attempts": 9},
        {"decode_memory_bytes": 1},
        {"colour": "blue"},
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        HearingSettings.model_validate(wrong)


def test_they_come_from_the_file_and_from_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.yaml").write_text("voice:\n  hearing:\n    provider: openai\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TALKWIRE_VOICE__HEARING__API_KEY", "sk-hearing")

    asked = load().voice.hearing

    assert asked.provider == "openai"
    assert asked.api_key is not None
    assert "sk-hearing" not in repr(asked)
