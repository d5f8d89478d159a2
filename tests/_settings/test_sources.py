"""How sources are merged; tests/test_settings.py shows the rest through the real tree."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from talkwire._settings.problems import SettingsError
from talkwire._settings.sources import Loaded, gather
from talkwire.settings import FROZEN_NAMES, Settings


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def _gather(environ: Mapping[str, str], **options: Any) -> Loaded[Settings]:
    return gather(Settings, None, environ, FROZEN_NAMES, options)


def test_our_own_name_wins_over_a_frozen_one() -> None:
    loaded = _gather({"PORT": "1", "TALKWIRE_PORT": "2", "TALKWIRE_VOICE__USE_MOCK": "1"})

    assert loaded.settings.port == 2
    assert loaded.settings.voice.use_mock


def test_a_group_as_one_variable_is_refused_in_words() -> None:
    with pytest.raises(SettingsError, match="turns: expected a group of keys"):
        _gather({"TALKWIRE_TURNS": "x"})


def test_an_option_that_was_not_given_says_nothing() -> None:
    loaded = _gather({"PORT": "1"}, port=None, host="h")

    assert (loaded.settings.port, loaded.settings.host) == (1, "h")


def test_words_of_other_programs_in_dotenv_mean_nothing() -> None:
    Path(".env").write_text("open=1\nhost=x\nDEBUG=1\n")

    assert _gather({}).settings == Settings()


def test_dotenv_must_be_text() -> None:
    Path(".env").write_bytes(b"A=\xff\xfe")

    with pytest.raises(SettingsError, match=r"\.env: cannot be read"):
        _gather({})


def test_variables_of_the_file_may_stand_in_dotenv() -> None:
    Path(".env").write_text("MY_HOST=h.example\n")
    Path("config.yaml").write_text("host: ${MY_HOST}\n")

    assert _gather({}).settings.host == "h.example"


def test_paths_in_the_file_are_relative_to_it_wherever_they_stand() -> None:
    here = Path("deep")
    here.mkdir()
    (here / "config.yaml").write_text(
        "data_dir: data\nprompts_dir: prompts\nscenarios: {path: mine/catalogue.json}\n"
        "models: [{name: a, provider: scripted, script: /absolute.json}]\n"
    )

    settings = gather(Settings, here / "config.yaml", {}, FROZEN_NAMES, {}).settings
    assert (settings.data_dir, settings.prompts_dir) == (here / "data", here / "prompts")
    assert settings.scenarios.path == here / "mine/catalogue.json"
    assert settings.models[0].script == Path("/absolute.json")
