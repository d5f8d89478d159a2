"""`talkwire route` as it is typed: quick, told, and in any terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from talkwire.cli.main import app


@pytest.mark.parametrize(
    ("command", "option"), [("explain", "--session-type"), ("evaluate", "--write")]
)
def test_every_command_has_help(command: str, option: str) -> None:
    told = CliRunner().invoke(app, ["route", command, "--help"], env={"COLUMNS": "200"})

    assert told.exit_code == 0
    assert option in told.output


def test_without_a_command_both_are_told() -> None:
    told = CliRunner().invoke(app, ["route"])

    assert told.exit_code == 2
    assert "explain" in told.output
    assert "evaluate" in told.output


def test_help_imports_no_model() -> None:
    code = (
        "import sys, talkwire.cli.main\n"
        "heavy = {'pydantic', 'rich.table', 'talkwire.routing'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=30, check=False
    )

    assert done.returncode == 0, done.stderr


def test_a_terminal_that_knows_no_chinese_hinders_nothing(tmp_path: Path) -> None:
    code = "from talkwire.cli.main import app; app()"
    done = subprocess.run(
        [sys.executable, "-c", code, "route", "explain", "你好"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C", "PYTHONIOENCODING": "ascii:strict"},
        capture_output=True,
        timeout=50,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout
