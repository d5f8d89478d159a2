"""`talkwire scenarios`: the catalogue checked, listed and shown, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.catalogue_files import CLOSE, REFUND, WITHDRAWAL, changed, ran, written


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration that names a catalogue in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TALKWIRE_SCENARIOS__PATH", raising=False)
    written(tmp_path)
    (tmp_path / "config.yaml").write_text("scenarios:\n  path: catalogue.json\n")
    return tmp_path


def test_a_good_catalogue_is_counted_and_what_it_lacks_is_told() -> None:
    code, text, said = ran("check", "catalogue.json")

    assert (code, said) == (0, "")
    assert "catalogue.json can be used" in text
    assert "4 (3 Chinese, 1 English)" in text
    assert "4 (2 Chinese, 2 English)" in text
    assert "1 退款进度 Flow: no utterances in English" in text
    assert "1 退款进度 Flow: no steps: it answers from its SOPs alone" in text
    assert "1 注销账户 Flow: no utterances:" in text
    assert "1 注销账户 Flow: neither steps nor SOPs" in text
    assert "1 提现状态查询 Flow: " not in text


def test_a_procedure_that_nobody_names_is_told(folder: Path) -> None:
    (folder / "sops" / "old.md").write_text("# Old\n\nText.\n")

    assert "old.md: no scenario names this SOP file" in ran("check")[1]


def test_all_that_is_wrong_is_told_with_its_place(folder: Path) -> None:
    wrong = changed(
        WITHDRAWAL, related_subcategories=["1 退款进读 Flow"], required_slots=["nubmer"]
    )
    written(folder, wrong, changed(REFUND, description=""), CLOSE)

    code, text, _ = ran("check", folder)

    assert code == 1
    assert "problems: 3." in text
    lines = [line for line in text.splitlines() if line.startswith("  catalogue.json: scenarios[")]
    assert len(lines) == 3
    assert "did you mean '1 退款进度 Flow'?" in text
    assert "did you mean 'number'?" in text
    assert "scenarios[1] 退款 › 1 退款进度 Flow: description: is empty" in text
    assert f"talkwire scenarios check {folder}" in text


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"{", "catalogue.json:1:2: is not JSON"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"[" * 9_000, "is nested too deeply"),
        (b'{"scenarios": 1e999999}', "expected a list"),
        (b'{"scenarios": [{"\\ud800": 1}]}', "a character that is none"),
    ],
)
def test_a_file_that_is_no_catalogue_is_no_traceback(
    folder: Path, content: bytes, told: str
) -> None:
    (folder / "catalogue.json").write_bytes(content)

    code, text, _ = ran("check")

    assert code == 1
    assert told in text
    refused, _, said = ran("list")
    assert refused == 2
    assert told in said
    assert "talkwire scenarios check" in said


def test_a_file_that_is_not_there_is_told(folder: Path) -> None:
    code, text, _ = ran("check", folder / "other.json")

    assert code == 1
    assert "cannot be read (No such file or directory)" in text


def test_of_very_many_problems_and_warnings_the_first_are_told(folder: Path) -> None:
    many = [changed(CLOSE, subcategory=f"{n} X") for n in range(100)]
    written(folder, *many)
    assert "… and 152 more" in ran("check")[1]

    written(folder, *(changed(each, description="") for each in many))
    assert "… and 95 more" in ran("list")[2]


def test_without_a_configured_catalogue_it_is_the_bundled_one(folder: Path) -> None:
    (folder / "config.yaml").unlink()

    code, text, _ = ran("check")

    assert code == 0
    assert "sample" in text
    assert "Worth a look" not in text


def test_a_configuration_that_cannot_be_used_is_told(folder: Path) -> None:
    (folder / "wrong.yaml").write_text("scenario: {}\n")

    for words in (("check",), ("list",), ("show", "x")):
        code, text, said = ran(*words, "--config", "wrong.yaml")
        assert (code, text) == (2, "")
        assert "scenarios" in said


def test_the_list_has_headings_in_both_languages() -> None:
    code, text, _ = ran("list")

    assert code == 0
    assert "subcategory" in text
    assert "子类" in text
    assert text.index("1 提现状态查询 Flow") < text.index("1 退款进度 Flow")
    assert "Refund status" in text
    assert "3 of 3 scenarios" in text


def test_a_list_of_one_category_takes_a_part_of_its_name() -> None:
    code, text, _ = ran("list", "--category", "提现", "--json")

    assert code == 0
    listed = json.loads(text)
    assert listed["total"] == 1
    (entry,) = listed["scenarios"]
    assert entry["title"] == {"zh": "提现状态查询", "en": "Withdrawal status"}
    assert (entry["utterances"], entry["steps"]) == (3, 3)
    assert entry["sop_references"] == ["withdrawal.md"]


@pytest.mark.parametrize("category", ["退宽", "", "款"])
def test_a_category_that_is_none_or_several_tells_those_there_are(category: str) -> None:
    code, text, said = ran("list", "--category", category)

    assert (code, text) == (2, "")
    assert "退款" in said


@pytest.mark.parametrize("name", ["1 提现状态查询 Flow", "withdrawal STATUS", " 提现状态查询 "])
def test_a_scenario_is_shown_by_its_subcategory_or_its_title(name: str) -> None:
    code, text, _ = ran("show", name)

    assert code == 0
    assert "取款/提现 › 1 提现状态查询 Flow" in text
    assert "where is my withdrawal" in text
    assert "1 ask_number · ask for number and wait" in text
    assert "if state = paid" in text
    assert "{number} 已经到账。" in text
    assert "{number} is paid." in text
    assert "pass to a person" in text
    assert "WD\\d{4,12}" in text
    assert "withdrawal.md (2 passages)" in text
    assert "客户想知道钱到哪了。" in text
    assert "payments team" in text


def test_a_name_that_nobody_has_tells_the_nearest() -> None:
    code, text, said = ran("show", "Refund state")

    assert (code, text) == (2, "")
    assert "1 退款进度 Flow (Refund status)" in said
    assert "talkwire scenarios list" in ran("show", "zzzz")[2]


def test_a_name_that_two_have_asks_for_the_category(folder: Path) -> None:
    written(folder, CLOSE, REFUND, changed(REFUND, category="商户", examples=[]))

    code, _, said = ran("show", "1 退款进度 Flow")

    assert code == 2
    assert "--category" in said
    assert ran("show", "1 退款进度 Flow", "--category", "商户")[0] == 0


def test_it_speaks_chinese_where_the_terminal_does(folder: Path) -> None:
    assert "可以使用" in ran("check", language="zh_CN.UTF-8")[1]
    assert "如果 state = paid" in (ran("show", "提现状态查询", language="zh_CN.UTF-8")[1])
    (folder / "catalogue.json").write_text("{}")
    assert "无法使用" in ran("check", language="zh_CN.UTF-8")[1]


def test_what_a_file_says_steers_no_terminal(folder: Path) -> None:
    title = {"zh": "\x1b[2J[red]退款", "en": "R[/]"}
    written(folder, changed(REFUND, title=title, examples=["\x1b]0;x\x07[bold]"], note="\x1b[31m"))

    shown = ran("show", "1 退款进度 Flow")[1] + ran("list")[1] + ran("check")[1]

    assert "\x1b" not in shown
    assert "[red]" in shown
    assert "[bold]" in shown
