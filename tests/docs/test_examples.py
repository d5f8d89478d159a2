"""The example files can be used as they are, and say what the defaults are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel

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


def _with_what_is_commented_out(times: int = 1) -> str:
    """The example with its comments that are keys, or entries of a list, as if they were none."""
    head, key, body = CONFIG.read_text("utf-8").partition("host:")
    assert all(line.startswith("#") for line in head.split("\n") if line)
    text = key + body
    for _ in range(times):
        text = re.sub(r"^( *)# (?= *(#|- |[A-Za-z_]+:))", r"\1", text, flags=re.MULTILINE)
    return text


def test_what_is_commented_out_in_the_example_can_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    path = tmp_path / "all.yaml"
    path.write_text(_with_what_is_commented_out(), "utf-8")

    settings = load(path)

    assert [model.name for model in settings.models] == ["small", "large"]
    assert settings.listeners
    assert settings.default_model == "small"
    assert settings.voice.clone_base_url
    assert [agent.id for agent in settings.agents] == ["clerk", "poet", "desk"]
    assert settings.agno.timeout == 60
    assert settings.gateway.url
    assert settings.log_dir


def _missing(kind: Any, shown: Any, place: str = "") -> Iterator[str]:
    """The keys of a group, or of the entries of a list or map of groups, that nothing shows."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        groups = [each for each in shown if isinstance(each, dict)]
        for name, field in kind.model_fields.items():
            found = [group[name] for group in groups if name in group]
            if found:
                yield from _missing(field.annotation, _entries(found), f"{place}{name}.")
            else:
                yield f"{place}{name}"
        return
    for inner in get_args(kind):
        yield from _missing(inner, shown, place)


def _entries(found: list[Any]) -> list[Any]:
    """The values themselves, and what is in those that are lists or maps."""
    inside = [each for value in found if isinstance(value, list) for each in value]
    mapped = [each for value in found if isinstance(value, dict) for each in value.values()]
    return [*found, *inside, *mapped]


def test_every_key_is_in_the_example() -> None:
    shown = yaml.safe_load(_with_what_is_commented_out(times=2))

    assert list(_missing(Settings, [shown])) == []


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
