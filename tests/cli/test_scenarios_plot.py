"""The picture of an evaluation."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from talkwire.catalogues import NeedsExtra
from talkwire.cli.scenarios_plot import draw
from tests.cli.evaluations import EVALUATION

pytest.importorskip("matplotlib")


def test_the_same_figures_are_the_same_picture(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        draw(EVALUATION, tmp_path / name)

    picture = (tmp_path / "a.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert picture == (tmp_path / "b.png").read_bytes()


def test_a_kind_of_file_that_nobody_knows_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="zzz"):
        draw(EVALUATION, tmp_path / "a.zzz")


def test_what_is_not_installed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)

    with pytest.raises(NeedsExtra, match="matplotlib"):
        draw(EVALUATION, tmp_path / "a.png")
