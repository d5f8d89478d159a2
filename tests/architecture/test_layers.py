"""The direction of imports: the contracts of pyproject.toml hold, and none has an exception."""

from __future__ import annotations

import ast
import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import pytest
from importlinter import api
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).resolve().parents[2]

# What the two innermost folders may use from outside, beside the standard library.
OUTSIDE = {
    "canon": {"talkwire", "msgspec"},
    "engine": {"talkwire", "msgspec", "anyio"},
}


class Module(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def tree(self) -> ast.Module: ...


def _imported(tree: ast.Module) -> Iterator[str]:
    """The top names of all that a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


@pytest.fixture
def loggers_on() -> Iterator[None]:
    """The linter switches off all loggers that there are when it runs."""
    on = [
        logger
        for logger in logging.root.manager.loggerDict.values()
        if isinstance(logger, logging.Logger) and not logger.disabled
    ]
    yield
    for logger in on:
        logger.disabled = False


@pytest.mark.usefixtures("loggers_on")
def test_imports_point_inwards(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)

    status = lint_imports(cache_dir=str(tmp_path))

    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out


def test_no_contract_has_an_exception() -> None:
    contracts = api.read_configuration(str(ROOT / "pyproject.toml"))["contracts_options"]

    assert contracts
    assert [c["name"] for c in contracts if c.get("ignore_imports")] == []
    assert [c["name"] for c in contracts if c.get("exhaustive_ignores")] == []


@pytest.mark.parametrize("folder", OUTSIDE)
def test_the_inner_folders_lean_on_little(folder: str, modules: Sequence[Module]) -> None:
    allowed = OUTSIDE[folder] | sys.stdlib_module_names
    inner = [m for m in modules if m.name.startswith(f"{folder}/")]

    assert inner
    assert {m.name: extra for m in inner if (extra := set(_imported(m.tree)) - allowed)} == {}
