"""The doctor's report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from talkwire.cli.doctor import in_force
from talkwire.cli.main import app
from talkwire.settings import trace

CANARY = "sk-canary0123"


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("USE_MOCK", "1")
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("TALKWIRE_PORT", "0")
    monkeypatch.setenv("TALKWIRE_DATA_DIR", str(tmp_path / "d"))


def test_what_is_in_force_and_from_where() -> None:
    Path("config.yaml").write_text(
        "host: localhost\nmodels:\n  - {name: m, provider: openai-chat,"
        f" api_key: {CANARY}, base_url: 'http://u:{CANARY}@h/v1?key=k'}}\n"
    )

    rows = {key: (value, origin) for key, value, origin in in_force(trace())}

    assert rows["host"] == ("localhost", "config.yaml:1:1")
    assert rows["openai_api_key"] == ("***", "environment OPENAI_API_KEY")
    assert rows["models.1.api_key"] == ("***", "config.yaml:2:1")
    assert rows["models.1.base_url"][0] == "http://***@h/v1?***"
    assert rows["turns.max_waiting"] == ("3", "default")


def test_a_tool_server_is_told_without_what_only_it_is_told() -> None:
    Path("config.yaml").write_text(
        f"mcpServers:\n  x: {{command: run, args: [--key, {CANARY}], env: {{KEY: {CANARY}}}}}\n"
    )

    rows = {key: value for key, value, _ in in_force(trace())}

    assert rows["mcpServers.x.command"] == "run"
    assert (rows["mcpServers.x.args"], rows["mcpServers.x.env.KEY"]) == ("***", "***")


def test_the_table_keeps_secrets() -> None:
    result = CliRunner().invoke(app, ["doctor"], env={"COLUMNS": "200"})

    assert result.exit_code == 0, result.output
    assert "environment OPENAI_API_KEY" in result.output
    assert CANARY not in result.output


def test_programs_get_json() -> None:
    result = CliRunner().invoke(app, ["doctor", "--json"])

    report = json.loads(result.output)
    assert {check["part"] for check in report["checks"]} >= {"data folder", "database", "model"}
    assert {"key": "use_mock", "value": "true", "from": "environment USE_MOCK"} in report[
        "settings"
    ]
    assert CANARY not in result.output


def test_what_is_broken_is_the_exit_status(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("prot: 1\n")

    result = CliRunner().invoke(app, ["doctor", "--config", str(tmp_path / "bad.yaml"), "--json"])

    assert result.exit_code == 1
    assert "did you mean port?" in json.loads(result.output)["checks"][0]["found"]
