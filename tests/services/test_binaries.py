from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services import binaries
from tests.services.cluster import private_folder


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    folder = private_folder(tmp_path / "postgres")
    yield folder
    shutil.rmtree(folder)


def _only(monkeypatch: pytest.MonkeyPatch, *installed: Path) -> None:
    monkeypatch.setattr(binaries, "_installed", lambda: iter(installed))


def test_the_newest_of_several_is_taken(tmp_path: Path) -> None:
    folders = [tmp_path / name / "bin" for name in ("9", "18", "15")]

    assert binaries._newest_first(iter(folders)) == [folders[1], folders[2], folders[0]]


def test_what_does_not_run_is_passed_over(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = list(binaries._installed())
    _only(monkeypatch, Path("/nowhere/bin"), *there)

    assert binaries.find(folder).bin != Path("/nowhere/bin")


def test_a_wheel_in_a_private_folder_is_copied_for_who_runs_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = next((p for p in binaries._installed() if binaries.WHEEL in p.parts), None)
    if wheel is None or binaries.unprivileged() is None:
        pytest.skip("needs the wheel, and to be root")
    private = tmp_path / "private"
    _only(monkeypatch, binaries._copied(wheel, private))
    private.chmod(0o700)

    programs = binaries.find(folder)

    assert programs.bin == folder / "programs" / wheel.relative_to(wheel.parents[2])
    assert programs.run("postgres", "--version", cwd=folder).startswith("postgres (PostgreSQL)")


def test_without_any_the_message_says_what_was_looked_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _only(monkeypatch)

    with pytest.raises(binaries.Missing, match="TEST_DATABASE_URL"):
        binaries.find(folder)
