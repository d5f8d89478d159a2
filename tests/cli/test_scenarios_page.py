"""The page with the figures: only what stands between the marks is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from talkwire.cli.scenarios import Refusal
from talkwire.cli.scenarios_page import BEGIN, END, markdown, page, with_figures
from tests.cli.evaluations import EVALUATION


def test_what_stands_around_the_figures_stays(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(f"# Head\n\n{BEGIN}\nold\n{END}\n\ntail {END}\n", "utf-8")

    whole = with_figures(page(path), "new")

    assert whole == f"# Head\n\n{BEGIN}\nnew\n{END}\n\ntail {END}\n"
    path.write_text(whole, "utf-8")
    assert with_figures(page(path), "new") == whole


@pytest.mark.parametrize("text", ["", f"{BEGIN}", f"{END}\n{BEGIN}"])
def test_a_page_without_its_marks_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "page.md"
    path.write_text(text)

    with pytest.raises(Refusal, match="figures: begin"):
        page(path)
    with pytest.raises(Refusal):
        page(tmp_path / "gone.md")


def test_the_page_is_english_in_every_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")

    text = markdown(EVALUATION, 45)

    assert "### 10 labelled texts (test), 45 scenarios" in text
    assert "| all | 10 | 87.5 |" in text
    assert "(scenarios-reliability.png)" in text


def test_tables_have_a_cell_for_each_heading() -> None:
    for table in markdown(EVALUATION, 45).split("\n\n"):
        widths = {line.count("|") for line in table.splitlines() if line.startswith("|")}
        assert len(widths) <= 1
