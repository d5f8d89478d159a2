"""`talkwire route`: decisions explained, and measured, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from talkwire.cli.main import app
from talkwire.cli.route import BEGIN, END, figures, put
from talkwire.routing import Share, evaluate, read
from talkwire.settings import Settings

CSV = Path(__file__).parents[1] / "engine" / "routing.csv"
PROOF = "Prove step by step that the square root of 2 is irrational."
CONFIG = """
models:
  - {name: small, provider: openai-chat, base_url: "http://127.0.0.1:1/v1", type: local_small}
  - {name: large, provider: openai-chat, base_url: "http://127.0.0.1:1/v1",
     price_in: 1, price_out: 4}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration of a local and a cloud model."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(CONFIG)
    return tmp_path


def ran(*words: str, lang: str = "en") -> tuple[int, str, str]:
    """The exit status, output and notes of `talkwire route …`."""
    done = CliRunner().invoke(app, ["route", *words], env={"LC_ALL": lang, "COLUMNS": "200"})
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize(("text", "model"), [(PROOF, "large"), ("hello", "small")])
def test_a_decision_is_told_with_all_that_was_weighed(text: str, model: str) -> None:
    code, told, said = ran("explain", text)

    assert (code, said) == (0, "")
    assert told.startswith(f"{model} (")
    assert "to begin with" in told
    assert "-0.05 costs 5 a million tokens" in told
    assert all(name in told for name in ("small", "large", "local_small", "cloud_large"))


def test_it_is_told_in_chinese() -> None:
    code, told, _ = ran("explain", "请证明根号2是无理数", lang="zh_CN.UTF-8")

    assert code == 0
    assert told.startswith("将由 large（cloud_large）回答。")
    assert "需要推理" in told
    assert "每百万词元 5" in told


def test_programs_are_told_the_same() -> None:
    _, told, _ = ran("explain", PROOF, "--session-type", "local_small", "--json")

    found = json.loads(told)
    assert (found["model"], found["model_type"]) == ("large", "cloud_large")
    assert found["need"] > 0.5
    for each in found["candidates"]:
        parts = each["message"] + sum(own["weight"] for own in each["own"])
        assert each["score"] == pytest.approx(parts, abs=0.001)
    assert found["candidates"][-1]["own"] == [
        {"what": "has answered in this conversation", "weight": 0.8}
    ]


@pytest.mark.parametrize("lang", ["en", "zh_CN.UTF-8"])
def test_a_type_that_there_is_not_is_refused_with_those_there_are(lang: str) -> None:
    code, told, said = ran("explain", "hi", "--session-type", "tiny", lang=lang)

    assert (code, told) == (2, "")
    assert "cloud_large, local_small" in said


@pytest.mark.parametrize(
    "config", ["models: [{name: a}]", "models: [{name: a, provider: scripted, script: none.json}]"]
)
def test_settings_that_cannot_be_used_are_told(folder: Path, config: str) -> None:
    (folder / "config.yaml").write_text(config)

    code, told, said = ran("explain", "hi")

    assert (code, told) == (2, "")
    assert "These settings cannot be used" in said


def test_a_table_is_measured_by_split_language_and_kind() -> None:
    code, told, _ = ran("evaluate", str(CSV))

    assert code == 0
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in told.splitlines()]
    shares = {tuple(row[:2]): row[2:] for row in rows if len(row) == 5}
    count, right, share = shares["held", "all"]
    assert float(share.removesuffix("%")) >= 90
    assert int(right) / int(count) == pytest.approx(float(share.removesuffix("%")) / 100, abs=0.001)
    assert {("held", "language zh"), ("held", "kind code"), ("learnt", "all")} <= set(shares)


def test_the_table_of_the_repository_is_the_usual_one(folder: Path) -> None:
    code, _, said = ran("evaluate")
    assert (code, "tests/engine/routing.csv" in said) == (2, True)

    (folder / "tests" / "engine").mkdir(parents=True)
    (folder / "tests" / "engine" / "routing.csv").write_bytes(CSV.read_bytes())
    assert ran("evaluate")[1] == ran("evaluate", str(CSV))[1]


def test_a_table_that_cannot_be_measured_is_told() -> None:
    code, told, said = ran("evaluate", "config.yaml")

    assert (code, told) == (2, "")
    assert "config.yaml: it has no column split" in said


def test_the_weights_that_are_measured_are_the_configured_ones(folder: Path) -> None:
    usual = ran("evaluate", str(CSV))[1]
    (folder / "config.yaml").write_text("routing: {weights: {bias: 50}}\n")

    assert ran("evaluate", str(CSV))[1] != usual


def test_figures_are_written_between_the_markers_and_nowhere_else(folder: Path) -> None:
    page = folder / "docs" / "routing.md"
    page.parent.mkdir()
    page.write_text(f"# Before\n\n{BEGIN}\nold\n{END}\n\nAfter\n", "utf-8")

    code, told, _ = ran("evaluate", str(CSV), "--write")

    expected = figures(evaluate(Settings(), read(CSV)))
    assert code == 0
    assert "docs/routing.md" in told
    assert page.read_text("utf-8") == f"# Before\n\n{BEGIN}\n{expected}\n{END}\n\nAfter\n"


@pytest.mark.parametrize("content", [None, "no marks", f"{BEGIN}\n", f"{END}\n{BEGIN}\n"])
def test_without_the_markers_nothing_is_written(folder: Path, content: str | None) -> None:
    page = folder / "docs" / "routing.md"
    page.parent.mkdir()
    if content is not None:
        page.write_text(content)

    code, _, said = ran("evaluate", str(CSV), "--write")

    assert (code, BEGIN in said) == (2, True)
    assert not page.exists() or page.read_text() == content
    assert not put(page, "x")


def test_figures_have_a_column_for_each_split_and_a_row_for_each_group() -> None:
    shares = [
        Share("a", "", "", 1, 2),
        Share("a", "language", "en", 1, 2),
        Share("b", "", "", 3, 3),
        Share("b", "kind", "x", 3, 3),
    ]

    assert figures(shares).splitlines() == [
        "| | a | b |",
        "| --- | --- | --- |",
        "| all | 50.0 % of 2 | 100.0 % of 3 |",
        "| language en | 50.0 % of 2 | – |",
        "| kind x | – | 100.0 % of 3 |",
    ]
