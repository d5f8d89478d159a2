"""The example files can be used as they are, and say what the defaults are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from talkwire.parts import parts
from talkwire.settings import FROZEN_NAMES, Settings, load

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config.example.yaml"
ENV = ROOT / ".env.example"
AGENTS = ROOT / "examples" / "agents"


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in FROZEN_NAMES:
        monkeypatch.delenv(name, raising=False)


def test_the_example_configuration_is_the_default_one() -> None:
    assert load(CONFIG) == Settings()


def test_what_is_commented_out_in_the_example_can_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    head, key, body = CONFIG.read_text("utf-8").partition("host:")
    assert all(line.startswith("#") for line in head.split("\n") if line)
    path = tmp_path / "all.yaml"
    path.write_text(re.sub(r"^# ", "", key + body, flags=re.MULTILINE), "utf-8")

    settings = load(path)

    assert [model.name for model in settings.models] == ["small", "large"]
    assert settings.listeners
    assert settings.default_model == "small"
    assert settings.voice.clone_base_url
    assert [agent.id for agent in settings.agents] == ["clerk", "poet", "desk"]
    assert settings.agno.timeout == 60


def test_the_example_of_dot_env_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(ENV.read_text("utf-8"), "utf-8")

    assert load() == Settings()


def test_every_variable_in_the_example_of_dot_env_is_one() -> None:
    names = re.findall(r"^(?:# )?([A-Z][A-Z_]+)=", ENV.read_text("utf-8"), re.MULTILINE)

    places = {f"TALKWIRE_{name.upper()}" for name in Settings.model_fields}
    assert names
    assert all(n in FROZEN_NAMES or n.partition("__")[0] in places for n in names)


def test_the_example_of_agents_makes_agents_and_a_team(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USE_MOCK", "1")
    monkeypatch.chdir(AGENTS)

    made = parts(load(AGENTS / "config.yaml", data_dir=tmp_path), None, None)

    cards = {card.id: card for card in made.agents.cards()}
    assert list(cards) == ["assistant", "clerk", "gauge", "critic", "desk"]
    assert cards["gauge"].tools == ("river_level",)
    assert cards["desk"].members == ("clerk", "gauge", "critic")
