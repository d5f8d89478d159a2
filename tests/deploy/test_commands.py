"""What the deployment files and their text tell people and machines to run is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from talkwire.cli.main import app

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


def _in_manifests() -> list[list[str]]:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]
    found = [compose["upgrade"]["command"]]
    for name in ("deployment", "upgrade-job"):
        manifest = yaml.safe_load((DEPLOY / "kubernetes" / f"{name}.yaml").read_text("utf-8"))
        found += [c["args"] for c in manifest["spec"]["template"]["spec"]["containers"]]
    return found


def _in_text() -> list[list[str]]:
    text = (DEPLOY / "README.md").read_text("utf-8")
    text += (DEPLOY / "compose.yaml").read_text("utf-8")
    text += (DEPLOY / "systemd" / "talkwire.service").read_text("utf-8")
    quoted = re.findall(r"`talkwire ((?:db|keys|doctor|serve)[^`]*)`", text)
    quoted += re.findall(r"/bin/talkwire (.*)", text)
    quoted += re.findall(r"run --rm upgrade (\w.*)", text)
    return [shlex.split(line) for line in quoted]


@pytest.mark.parametrize("words", _in_manifests() + _in_text(), ids=" ".join)
def test_a_command_that_is_told_is_understood(words: list[str]) -> None:
    # Options come before --help is looked at: those that are not known are errors.
    told = CliRunner().invoke(app, [*words, "--help"])

    assert told.exit_code == 0, told.output


def test_commands_were_found() -> None:
    found = {" ".join(words[:2]) for words in _in_manifests() + _in_text()}

    assert found >= {"serve", "db upgrade", "keys create", "doctor --url"}
