"""`talkwire scenarios` as it is typed: quick, told, and in any terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.catalogue_files import ran


@pytest.mark.parametrize("command", ["check", "list", "show", "try", "evaluate", "import"])
def test_every_command_has_help(command: str) -> None:
    code, text, _ = ran(command, "--help")

    assert code == 0
    assert "--help" in text


def test_without_a_command_all_are_told() -> None:
    code, text, said = ran()

    assert code == 2
    assert "evaluate" in text + said


def test_help_imports_no_catalogue() -> None:
    code = (
        "import sys, talkwire.cli.main\n"
        "heavy = {'numpy', 'pydantic', 'rich.table', 'talkwire.catalogues'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=30, check=False
    )

    assert done.returncode == 0, done.stderr


def test_a_terminal_that_knows_no_chinese_hinders_nothing(tmp_path: Path) -> None:
    code = "from talkwire.cli.main import app; app()"
    done = subprocess.run(
        [sys.executable, "-c", code, "scenarios", "list"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C", "PYTHONIOENCODING": "ascii:strict"},
        capture_output=True,
        timeout=50,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert b"45" in done.stdout
