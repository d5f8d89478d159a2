"""Recorded turns, once more."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from talkwire.canon.events import TurnCompleted, load
from talkwire.cli.client import Client, Happened
from talkwire.cli.replay import run

LINES: list[tuple[int, int, dict[str, Any]]] = [
    (0, 1000, {"kind": "text.delta", "text": "你好 "}),
    (1, 1500, {"kind": "text.delta", "text": "world"}),
    (2, 61_500, {"kind": "turn.completed", "finish_reason": "stop"}),
]


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[float]:
    waited: list[float] = []
    monkeypatch.setattr("talkwire.cli.replay.time.sleep", waited.append)
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    return waited


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "turn.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in LINES))
    return path


@pytest.mark.parametrize(("speed", "waited"), [(1.0, [0.5, 5.0]), (100.0, [0.005, 0.6]), (0.0, [])])
def test_a_turn_is_played_with_its_timing(
    speed: float,
    waited: list[float],
    recording: Path,
    waits: list[float],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(str(recording), None, data_dir=None, export=None, speed=speed) == 0

    assert capsys.readouterr().out == "你好 world\n"
    assert waits == pytest.approx(waited)


def test_a_servers_turn_is_exported_as_events(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def follow(self: Client, turn: str, lost: object) -> Iterator[Happened]:
        for n, at, event in LINES:
            yield Happened(event["kind"], {**event, "n": n, "at": at})

    monkeypatch.setattr(Client, "follow", follow)
    path = tmp_path / "out.jsonl"

    assert run("t_1", "http://127.0.0.1:9", data_dir=None, export=path, speed=1) == 0

    events = load("[" + ",".join(path.read_text("utf-8").splitlines()) + "]")
    assert [(stamped.n, stamped.at) for stamped in events] == [(0, 1000), (1, 1500), (2, 61_500)]
    assert events[-1].event == TurnCompleted("stop")


def test_a_data_folder_is_read_without_a_server(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(tmp_path / "talkwire.sqlite3")) as database:
        database.execute("CREATE TABLE turn_logs (turn_id, payload)")
        database.execute("INSERT INTO turn_logs VALUES ('t_1', ?)", (json.dumps(LINES),))
        database.commit()

    assert run("t_1", None, data_dir=tmp_path, export=None, speed=0) == 0
    assert capsys.readouterr().out == "你好 world\n"
    assert run("t_2", None, data_dir=tmp_path, export=None, speed=0) == 1
    assert "no recorded turn 't_2'" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["x", "[1]", '[0, 1, {"a": 2}]', "{}"])
def test_another_file_is_refused(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "f").write_text(text)

    assert run("f", None, data_dir=None, export=None, speed=0) == 1
    assert "holds no recorded turn" in capsys.readouterr().err


def test_an_export_that_cannot_be_written_is_told(
    recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export = recording / "x"

    assert run(str(recording), None, data_dir=None, export=export, speed=0) == 1
    assert "cannot be written: Not a directory" in capsys.readouterr().err


def test_a_folder_without_a_database_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("t_1", None, data_dir=tmp_path / "none", export=None, speed=0) == 1
    assert "holds no recorded turn" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()
