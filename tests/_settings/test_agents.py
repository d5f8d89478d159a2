"""The settings of agents."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from talkwire.settings import AgentSettings, Settings, SettingsError, load

MODEL = {"name": "small", "provider": "scripted"}


def agents(*entries: dict[str, Any], models: Sequence[Any] = ()) -> Settings:
    return Settings.model_validate({"agents": entries, "models": models})


def test_agents_and_teams_are_entries_of_one_list() -> None:
    settings = agents(
        {"id": "clerk", "model": "small", "tools": ["clock"]},
        {"id": "desk", "members": ["clerk", "poet"], "mode": "route"},
        {"id": "poet", "module": "poets.py:poet"},
        models=[MODEL],
    )

    clerk, desk, poet = settings.agents
    assert (clerk.tools, desk.mode, poet.module) == (("clock",), "route", "poets.py:poet")
    assert AgentSettings(id="a").mode == "coordinate"


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([{"id": "clerk", "model": "smal"}], "did you mean small?"),
        ([{"id": "desk", "members": ["clerc"]}, {"id": "clerk"}], "did you mean clerk?"),
        ([{"id": "a", "members": ["b"]}, {"id": "b", "members": ["a"]}], "a member of itself"),
        ([{"id": "a", "members": ["a"]}], "a member of itself"),
        ([{"id": "a"}, {"id": "a"}], "given twice"),
        ([{"id": "assistant"}], "always there"),
        ([{"id": "a b"}], "agents"),
        ([{"id": "a", "mode": "route"}], "goes with members"),
        ([{"id": "a", "module": "x.py"}], "expected path.py:name"),
        ([{"id": "a", "module": "x.py:y", "instructions": "z"}], "module's own affair"),
    ],
)
def test_what_does_not_go_together_is_an_error(entries: list[dict[str, Any]], why: str) -> None:
    with pytest.raises(ValueError, match=r"(?s)agents|id|mode|module") as refused:
        agents(*entries, models=[MODEL])

    assert why in str(refused.value)


def test_a_file_s_mistakes_are_told_with_their_line_and_the_nearest_key(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("agents:\n  - id: clerk\n    instuctions: Be brief.\n")

    with pytest.raises(SettingsError) as refused:
        load(file)

    (problem,) = refused.value.problems
    assert "did you mean instructions?" in problem
    assert "3" in problem


def test_the_server_of_agents_is_named_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("agno: {api_url: 'http://file:1', api_key: k-secret, timeout: 5}\n")
    monkeypatch.setenv("AGNO_API_URL", "http://other:7777/")

    asked = load(file).agno

    assert (asked.api_url, asked.timeout) == ("http://other:7777", 5)
    assert "k-secret" not in repr(asked)
