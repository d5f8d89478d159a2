"""`talkwire scenarios try`: where a message would lead."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.catalogue_files import ran, written


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration that names a catalogue in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TALKWIRE_SCENARIOS__PATH", raising=False)
    written(tmp_path)
    (tmp_path / "config.yaml").write_text("scenarios:\n  path: catalogue.json\n")
    return tmp_path


def tried(*words: str) -> dict[str, Any]:
    code, text, said = ran("try", *words, "--json")
    assert (code, said) == (0, "")
    told: dict[str, Any] = json.loads(text)
    return told


def test_a_message_is_told_its_scenario_and_what_would_be_said() -> None:
    code, text, _ = ran("try", "取的钱没到，提现到哪了")

    assert code == 0
    assert "answers from 取款/提现 › 1 提现状态查询 Flow" in text
    assert "ranked first" in text
    assert "█" in text
    assert "Withdrawal status" in text
    assert "请提供单号。" in text


def test_programs_get_the_candidates_too() -> None:
    told = tried("提现到哪了")

    assert (told["move"], told["language"]) == ("answer", "zh")
    assert told["candidates"][0]["subcategory"] == told["subcategory"] == "1 提现状态查询 Flow"
    assert 0 < told["candidates"][0]["confidence"] <= 1
    assert told["response"] == "请提供单号。"


def test_an_earlier_message_is_the_conversation() -> None:
    told = tried("WD20260312", "--after", "提现到哪了")

    assert told["after"] == "提现到哪了"
    assert told["slots"] == {"number": "WD20260312"}
    assert told["reasons"] == ["answers what was asked"]
    assert told["move"] == "hand_over"
    assert "after: 提现到哪了" in ran("try", "WD20260312", "--after", "提现到哪了")[1]


def test_a_person_who_is_asked_for_is_told() -> None:
    assert "passes to a person" in ran("try", "转人工")[1]
    assert "转人工" in ran("try", "转人工", language="zh_CN.UTF-8")[1]


def test_what_is_no_matter_for_the_desk_is_told() -> None:
    assert "no matter for this desk" in ran("try", "what is the weather like today")[1]


def test_nothing_is_not_tried() -> None:
    code, text, said = ran("try", "  ")

    assert (code, text) == (2, "")
    assert "in quotes" in said


def test_a_catalogue_that_cannot_be_used_is_told(folder: Path) -> None:
    (folder / "catalogue.json").write_text("[]")

    code, _, said = ran("try", "hello")

    assert code == 2
    assert "talkwire scenarios check" in said
