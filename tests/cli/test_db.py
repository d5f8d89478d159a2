"""`talkwire db`: what is said, and the exit status."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from talkwire.cli.main import app
from talkwire.stores.migrating import HEAD

_run = CliRunner().invoke


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.delenv("DATABASE_URL", raising=False)


def test_a_server_is_brought_up_to_date_and_told(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres_url)

    before = _run(app, ["db", "current"])
    upgraded = _run(app, ["db", "upgrade"])
    again = _run(app, ["db", "upgrade"])
    after = _run(app, ["db", "current"])

    assert (before.exit_code, upgraded.exit_code, again.exit_code, after.exit_code) == (1, 0, 0, 0)
    assert "talkwire db upgrade" in before.output
    assert f"revision {HEAD} now" in upgraded.output
    assert again.output == after.output


def test_the_address_may_stand_in_a_file(postgres_url: str, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(f"database:\n  url: {postgres_url}\n")

    assert _run(app, ["db", "upgrade", "--config", str(config)]).exit_code == 0
    with psycopg.connect(postgres_url) as link:
        assert link.execute("SELECT version_num FROM alembic_version").fetchone() == (HEAD,)
        link.execute("UPDATE alembic_version SET version_num = '9999'")
    ahead = _run(app, ["db", "current", "--config", str(config)])
    refused = _run(app, ["db", "upgrade", "--config", str(config)])

    assert (ahead.exit_code, refused.exit_code) == (1, 1)
    assert "newer version" in ahead.output
    assert "newer version" in refused.output


def test_a_data_folder_is_brought_up_to_date(tmp_path: Path) -> None:
    folder = str(tmp_path / "data")

    assert _run(app, ["db", "upgrade", "--data-dir", folder]).exit_code == 0
    assert _run(app, ["db", "current", "--data-dir", folder]).exit_code == 0


def test_a_server_that_is_not_there_is_told_without_the_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:hunter2@127.0.0.1:1/talkwire")
    result = _run(app, ["db", "upgrade"])

    assert result.exit_code == 1
    assert "127.0.0.1" in result.output
    assert "hunter2" not in result.output


def test_settings_that_cannot_be_used_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://127.0.0.1/talkwire")

    assert _run(app, ["db", "current"]).exit_code == 2
