"""The unit: time to drain, one signal, and little that it may do."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from talkwire.settings import Settings
from tests.deploy.environment import understood

FILE = Path(__file__).resolve().parents[2] / "deploy" / "systemd" / "talkwire.service"


@pytest.fixture
def unit() -> dict[str, str]:
    """Its settings; of one that is given several times the last."""
    return dict(re.findall(r"^(\w+)=(.*)$", FILE.read_text("utf-8"), re.MULTILINE))


def _rendered(folder: Path) -> Path:
    """With a program that is there."""
    text = FILE.read_text("utf-8")
    assert text.count("/opt/talkwire/bin/talkwire") == 1
    path = folder / FILE.name
    path.write_text(text.replace("/opt/talkwire/bin/talkwire", sys.executable), "utf-8")
    return path


def _analyze(*words: str) -> str:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    told = subprocess.run([program, *words], capture_output=True, text=True, timeout=30, check=True)
    return told.stdout + told.stderr


def test_there_is_time_to_drain(unit: dict[str, str]) -> None:
    assert float(unit["TimeoutStopSec"]) > Settings().turns.drain_timeout_s + 15


def test_workers_are_told_by_their_supervisor_alone(unit: dict[str, str]) -> None:
    # Of two signals the second means "at once".
    assert unit["KillMode"] == "mixed"
    assert unit["KillSignal"] == "SIGTERM"


def test_its_variables_are_settings(unit: dict[str, str], tmp_path: Path) -> None:
    variables = dict(word.split("=", 1) for word in unit["Environment"].split())

    settings = understood(variables, tmp_path).settings

    assert settings.data_dir == Path("/var/lib") / unit["StateDirectory"]
    assert unit["EnvironmentFile"].startswith("-/etc/")


def test_systemd_finds_nothing_wrong_with_it(tmp_path: Path) -> None:
    assert _analyze("verify", "--man=no", str(_rendered(tmp_path))) == ""


def test_systemd_calls_it_safe(tmp_path: Path) -> None:
    told = _analyze("security", "--offline=yes", "--no-pager", str(_rendered(tmp_path)))

    found = re.search(r"exposure level for .*: ([\d.]+)", told)
    assert found is not None
    assert float(found.group(1)) < 2
