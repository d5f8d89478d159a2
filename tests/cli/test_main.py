"""The command as it is typed."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from talkwire import __version__
from talkwire.cli.main import app


def test_it_says_its_version() -> None:
    result = CliRunner().invoke(app, ["--version"])

    assert result.exit_code == 0
    assert result.output == f"talkwire {__version__}\n"


@pytest.mark.parametrize("command", ["serve", "chat", "doctor", "replay"])
def test_every_command_has_help(command: str) -> None:
    assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0


def test_an_unknown_option_is_refused() -> None:
    assert CliRunner().invoke(app, ["serve", "--prot", "1"]).exit_code == 2


def test_help_imports_no_server() -> None:
    code = (
        "import sys, talkwire.cli.main\n"
        "heavy = {'fastapi', 'uvicorn', 'sqlalchemy', 'httpx2', 'pydantic'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=30, check=False
    )

    assert done.returncode == 0, done.stderr
