"""`talkwire scenarios evaluate`, on a small catalogue with a few labelled texts."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from talkwire.cli import scenarios_page
from tests.cli.catalogue_files import CLOSE, REFUND, WITHDRAWAL, ran, written

HEADER = "id,split,language,kind,previous,text,category,subcategory"
TEXTS = {
    (WITHDRAWAL["category"], WITHDRAWAL["subcategory"]): (
        "取的钱没到账",
        "where is my withdrawal now",
    ),
    (REFUND["category"], REFUND["subcategory"]): ("退款什么时候能到", "when comes my refund"),
    (CLOSE["category"], CLOSE["subcategory"]): ("我要注销账户", "close the account please"),
}


def rows(split: str) -> list[str]:
    """Twenty rows: enough of the texts to be parted into five for learning."""
    made = []
    for key, texts in TEXTS.items():
        for text in texts:
            language = "en" if text.isascii() else "zh"
            made += [f"{split},{language},plain,,{text} {split} {n},{','.join(key)}" for n in "abc"]
    first = ",".join(next(iter(TEXTS)))
    made.append(f"{split},zh,followup,取的钱没到账,那要多久呢 {split},{first}")
    made.append(f"{split},en,out_of_scope,,what is the weather like {split},,")
    return [f"{split}-{n},{row}" for n, row in enumerate(made)]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configured catalogue, and labelled texts beside it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TALKWIRE_SCENARIOS__PATH", raising=False)
    written(tmp_path)
    (tmp_path / "config.yaml").write_text("scenarios:\n  path: catalogue.json\n")
    lines = [HEADER, *rows("test"), *rows("calibration")]
    (tmp_path / "labelled.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return tmp_path


def test_the_texts_beside_the_catalogue_are_measured() -> None:
    code, text, _ = ran("evaluate")

    assert code == 0
    assert "20 labelled texts (test), 3 scenarios" in text
    assert "out of scope" in text
    assert "Calibration error" in text
    assert "40 labelled texts (all)" in ran("evaluate", "--split", "all")[1]
    assert "20 条标注数据" in ran("evaluate", language="zh_CN.UTF-8")[1]


def test_programs_get_all_that_was_measured(folder: Path) -> None:
    (folder / "labelled.csv").rename(folder / "mine.csv")

    code, text, said = ran("evaluate", "mine.csv", "--split", "calibration", "--json")

    assert (code, said) == (0, "")
    told = json.loads(text)
    assert (told["split"], told["scenarios"]) == ("calibration", 3)
    assert told["all"]["top_1"]["of"] == 19
    assert set(told["by_language"]) == {"zh", "en"}
    assert told["all"]["texts"] == sum(each["count"] for each in told["reliability"])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no column"),
        (b'"id', "cannot be used"),
        (b"\xff", "cannot be read"),
        (f"{HEADER}\n1,test,zh,plain,,x,no,body\n".encode(), "the catalogue has no 'no › body'"),
        (f"{HEADER}\n1,test,zh,odd,,x,,\n".encode(), "line 2, kind: 'odd' is none of"),
        (f"{HEADER}\n".encode(), "no texts in the split"),
    ],
)
def test_texts_that_cannot_be_used_are_told(folder: Path, content: bytes, told: str) -> None:
    (folder / "mine.csv").write_bytes(content)

    code, text, said = ran("evaluate", "mine.csv")

    assert (code, text) == (2, "")
    assert told in said


def test_a_catalogue_without_labelled_texts_says_what_is_wanted(folder: Path) -> None:
    (folder / "labelled.csv").unlink()

    code, _, said = ran("evaluate")

    assert code == 2
    assert "no labelled texts beside" in said
    assert ran("evaluate", "gone.csv")[0] == 2
    (folder / "catalogue.json").write_text("{}")
    assert "talkwire scenarios check" in ran("evaluate")[2]


def test_what_is_learned_is_written_and_used(folder: Path) -> None:
    pytest.importorskip("sklearn")

    code, learned, said = ran("evaluate", "--learn", "--weights", "w.json", "--json")

    assert code == 0
    assert "written: w.json" in said
    assert json.loads((folder / "w.json").read_text())["learned"]["texts"] == 20
    assert ran("evaluate", "--weights", "w.json", "--json")[1] == learned


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--learn",), "--weights FILE"),
        (("--write", "labelled.csv"), "leave PATH"),
        (("--write", "--split", "all"), "leave PATH"),
        (("--write",), "is not there, or has not the two marks"),
        (("--weights", "gone.json"), "gone.json"),
        (("--weights", "config.yaml"), "config.yaml"),
        (("--learn", "--weights", "no/w.json"), "no/w.json cannot be written"),
        (("--plot", "no/p.png"), "no/p.png cannot be written"),
        (("--plot", "p.zzz"), "p.zzz cannot be written"),
    ],
)
def test_what_cannot_be_done_is_told(words: tuple[str, ...], told: str) -> None:
    code, _, said = ran("evaluate", *words)

    assert code == 2
    assert told in said


@pytest.mark.parametrize(
    ("module", "words", "name"),
    [
        ("sklearn.isotonic", ("--learn", "--weights", "w.json"), "scikit-learn"),
        ("matplotlib.figure", ("--plot", "p.png"), "matplotlib"),
    ],
)
def test_a_library_that_is_not_installed_is_told_with_what_installs_it(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    words: tuple[str, ...],
    name: str,
) -> None:
    monkeypatch.setitem(sys.modules, module, None)

    code, text, said = ran("evaluate", *words)

    assert (code, text) == (2, "")
    assert f"needs {name}" in said
    assert "pip install 'talkwire[scenarios]'" in said
    assert not (folder / words[-1]).exists()


def test_the_samples_figures_are_written_to_their_page(folder: Path) -> None:
    pytest.importorskip("matplotlib")
    page = folder / "docs" / "scenarios.md"
    page.parent.mkdir()
    page.write_text(f"before\n{scenarios_page.BEGIN}\n{scenarios_page.END}\nbehind\n")

    code, text, said = ran("evaluate", "--write", "--plot", "p.svg")

    assert code == 0
    assert "45 scenarios" in text
    assert said.count("written: ") == 3
    figures = page.read_text("utf-8")
    assert figures.startswith("before\n")
    assert figures.endswith("\nbehind\n")
    assert "| all |" in figures
    assert (folder / scenarios_page.PICTURE).read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (folder / "p.svg").read_text("utf-8")
