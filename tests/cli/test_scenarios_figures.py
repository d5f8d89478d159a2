"""Figures as tables: what was not measured is no figure."""

from __future__ import annotations

from talkwire.cli.scenarios_figures import percent, sections
from talkwire.cli.words_scenarios import WORDS
from talkwire.scenarios.evaluate import Point
from tests.cli.evaluations import EVALUATION, evaluation


def english(key: str, **values: object) -> str:
    return WORDS[key][0].format(**values)


def test_the_whole_comes_before_its_languages_and_kinds() -> None:
    figures = sections(EVALUATION, 45, english)[0]

    assert figures.title == "10 labelled texts (test), 45 scenarios; shares in %"
    assert [row[0] for row in figures.rows] == ["all", "zh", "out of scope"]
    assert figures.rows[0][1:] == (
        "10",
        "87.5",
        "100.0",
        "50.0",
        "100.0",
        "0.0",
        "–",
        "33.3",
        "25.0",
    )
    assert figures.rows[2][5] == "–", "other kinds are called out of scope too"
    assert len(figures.headings) == len(figures.rows[0])
    assert "Of 4 plain texts" in figures.note
    assert "75.0 %" in figures.note


def test_a_bin_without_texts_has_no_share() -> None:
    reliability = sections(EVALUATION, 45, english)[1]

    assert reliability.rows == (
        ("0.0–0.5", "0", "–", "–"),
        ("0.5–1.0", "10", "0.90", "80.0 %"),
    )
    assert "0.042" in reliability.note
    assert "0.050" in reliability.note


def test_the_surest_are_told_once_where_many_are_equally_sure() -> None:
    assert sections(EVALUATION, 45, english)[2].rows == (
        ("100.0 %", "0.60", "80.0 %"),
        ("50.0 %", "0.95", "100.0 %"),
    )
    alike = evaluation(abstention=(Point(1.0, 1.0, 0.9),))
    assert len(sections(alike, 45, english)[2].rows) == 1


def test_what_is_none_of_the_scenarios_has_a_name() -> None:
    ((right, given, count),) = sections(EVALUATION, 45, english)[3].rows

    assert (right, given, count) == (
        "A › 1 B|C Flow",
        "(out of scope, or for a person)",
        "2",
    )


def test_a_share_is_told_in_percent() -> None:
    assert percent(0.12345) == "12.3 %"
