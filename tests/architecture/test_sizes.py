"""The ceilings: nothing becomes the file, or the function, that everybody edits."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Protocol

MODULE_LINES = 300
TEST_MODULE_LINES = 400
FUNCTION_LINES = 60
FOLDERS_DEEP = 2


class Module(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def tree(self) -> ast.Module: ...
    @property
    def lines(self) -> int: ...


def test_modules_stay_small(modules: Sequence[Module]) -> None:
    assert {m.name: m.lines for m in modules if m.lines > MODULE_LINES} == {}


def test_test_modules_stay_readable(test_modules: Sequence[Module]) -> None:
    assert {m.name: m.lines for m in test_modules if m.lines > TEST_MODULE_LINES} == {}


def test_functions_stay_small(modules: Sequence[Module]) -> None:
    long = {
        f"{module.name}:{node.lineno} {node.name}": length
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
    }

    assert long == {}


def test_folders_stay_flat(modules: Sequence[Module]) -> None:
    deep = [m.name for m in modules if m.name.count("/") > FOLDERS_DEEP]

    # Alembic looks for its revisions one folder further down.
    assert [name for name in deep if not name.startswith("stores/migrations/versions/")] == []
