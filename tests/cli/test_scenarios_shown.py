"""Scenarios as they are printed."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from talkwire.catalogues import Catalogue, Scenario, Step, Words
from talkwire.cli.scenarios_shown import entry, table, whole

TEXT = Words("好。", "Good.")


@dataclass
class Printed:
    """Prints, and gives back what was printed."""

    capture: pytest.CaptureFixture[str]

    def whole(self, *steps: Step) -> str:
        scenario = Scenario("A", "B", Words("标题", "Title"), "D", steps=steps)
        whole(scenario, Catalogue((scenario,), {}, {}, TEXT, ""))
        return self.capture.readouterr().out


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Printed:
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("COLUMNS", "120")
    return Printed(capsys)


def test_steps_under_one_condition_stand_together(printed: Printed) -> None:
    when = {"a": ("x", "y"), "b": ("unknown",)}
    text = printed.whole(
        Step("one", "answer", TEXT),
        Step("two", "check", TEXT, when=when),
        Step("three", "answer", TEXT, when=when),
        Step("four", "answer", TEXT),
    )

    assert text.count("if a = x or y and b = unknown") == 1
    lines = [line for line in text.splitlines() if "·" in line]
    depths = [line.index(next(c for c in line if c.isdigit())) for line in lines]
    assert depths == [4, 8, 8, 4]


def test_it_is_told_whether_a_question_waits(printed: Printed) -> None:
    text = printed.whole(
        Step("one", "ask", TEXT, "a"),
        Step("two", "ask", TEXT, "b", optional=True),
        Step("three", "check", TEXT, "c"),
        Step("four", "check", TEXT),
    )

    assert "1 one · ask for a and wait" in text
    assert "2 two · ask for b, without waiting" in text
    assert "3 three · look at c" in text
    assert "4 four · look\n" in text


def test_a_text_that_stands_for_both_languages_is_shown_once(printed: Printed) -> None:
    text = printed.whole(Step("one", "answer", Words("OK", "OK")))

    assert text.count("OK") == 1


def test_a_scenario_without_a_flow_says_so(printed: Printed) -> None:
    assert "none" in printed.whole()


def test_a_chinese_name_is_never_cut(printed: Printed) -> None:
    name = "很长的子类名称" * 20
    table([Scenario("A", name, Words("标题", "Title"), "D")], 1)

    cells = "".join(printed.capture.readouterr().out.split())
    assert cells.count("很长的子类名称"[0]) == 20


def test_programs_get_titles_in_both_languages() -> None:
    scenario = Scenario("A", "B", Words("标题", "Title"), "D", examples=("x", "y"))

    assert entry(scenario)["title"] == {"zh": "标题", "en": "Title"}
    assert entry(scenario)["utterances"] == 2
