"""The source as the architecture tests see it: parsed once for all of them."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "talkwire"


@dataclass(frozen=True)
class SourceModule:
    """One Python file; `name` is its path below the package, or below the repository for tests."""

    name: str
    text: str = field(repr=False)

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.name)

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())


def _read(folder: Path, relative_to: Path) -> tuple[SourceModule, ...]:
    return tuple(
        SourceModule(path.relative_to(relative_to).as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted(folder.rglob("*.py"))
    )


@pytest.fixture(scope="session")
def modules() -> Sequence[SourceModule]:
    """Every module of the package."""
    return _read(PACKAGE, PACKAGE)


@pytest.fixture(scope="session")
def test_modules() -> Sequence[SourceModule]:
    """Every module below tests/."""
    return _read(ROOT / "tests", ROOT)


@pytest.fixture(scope="session")
def tracked() -> Sequence[Path]:
    """Every file that belongs to the repository: in git, or new and not ignored."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    paths = (ROOT / name.decode() for name in listing.stdout.split(b"\0") if name)
    return tuple(path for path in paths if path.is_file())
