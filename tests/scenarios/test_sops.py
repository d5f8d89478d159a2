from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.scenarios.problems import Problems
from talkwire.scenarios.sops import PASSAGE_CHARS, Folder, is_plain, passages

BOTH = """# 提现状态查询

先看这里。

## 适用情形
客户想知道钱到哪了，App 里写着 processing。

### 例外
银行休息。

## 空的

# Withdrawal status

## When it applies
The customer taps 提现 and wants to know where the money is.
"""


def test_each_section_of_level_one_and_two_is_a_passage() -> None:
    found = passages("a.md", BOTH)

    assert [(each.file, each.heading, each.language) for each in found] == [
        ("a.md", "提现状态查询", "zh"),
        ("a.md", "适用情形", "zh"),
        ("a.md", "When it applies", "en"),
    ]
    assert found[0].text == "先看这里。"
    assert found[1].text.endswith("### 例外\n银行休息。")


def test_text_before_any_heading_is_a_passage_without_one() -> None:
    (found,) = passages("a.md", "\r\nJust text.\r\nMore.\r\n")

    assert (found.heading, found.text) == ("", "Just text.\nMore.")


def test_what_looks_like_a_heading_in_code_is_none() -> None:
    (found,) = passages("a.md", "# Use\n```sh\n# comment\n```\n~~~\n# more\n```\n~~~\nend")

    assert found.heading == "Use"
    assert "# comment" in found.text
    assert "# more" in found.text


def test_a_closing_mark_and_a_hash_that_is_no_heading() -> None:
    found = passages("a.md", "## Fees ##\n#1 is free\n")

    assert [(each.heading, each.text) for each in found] == [("Fees", "#1 is free")]


def test_a_long_section_is_parted_at_the_ends_of_its_paragraphs() -> None:
    paragraphs = [letter * 500 for letter in "abcde"]

    found = passages("a.md", "# T\n" + "\n\n".join(paragraphs))

    assert [each.text for each in found] == [
        "\n\n".join(paragraphs[:2]),
        "\n\n".join(paragraphs[2:4]),
        paragraphs[4],
    ]
    assert {each.heading for each in found} == {"T"}


@pytest.mark.parametrize("mark", ["。", ". ", "\n"])
def test_a_long_paragraph_is_parted_at_lines_and_sentences(mark: str) -> None:
    text = mark.join(f"sentence {number} of many" for number in range(200))

    found = passages("a.md", f"# T\n{text}")

    assert len(found) > 2
    assert all(each.text.endswith("of many" + mark.strip()) for each in found[:-1])


@given(st.text(alphabet="ab。. \n#x中`", max_size=4_000))
def test_no_passage_is_too_long_and_nothing_is_lost(text: str) -> None:
    found = passages("a.md", text * 3)

    assert all(0 < len(each.text) <= PASSAGE_CHARS for each in found)
    kept = "".join(each.heading + each.text for each in found)
    for letter in "x中。":
        assert kept.count(letter) <= text.count(letter) * 3


@given(st.text(alphabet="ab。. \n", max_size=4_000))
def test_text_without_headings_is_kept_to_the_letter(text: str) -> None:
    kept = "".join(each.text for each in passages("a.md", text * 3))

    assert "".join(kept.split()) == "".join((text * 3).split())


@pytest.mark.parametrize("name", ["a.md", "退款.md", "a b.md", ".hidden", "a..b"])
def test_the_plain_name_of_a_file(name: str) -> None:
    assert is_plain(name)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "/a", "a/", "a\\b", "C:a", "C:\\a", "\\\\host\\a", "a\nb", "a\0"]
)
def test_a_name_that_is_a_path(name: str) -> None:
    assert not is_plain(name)


def test_a_folder_reads_each_file_once_and_tells_a_problem_once(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(BOTH, encoding="utf-8")
    folder, problems = Folder(tmp_path), Problems("file")
    empty = folder.digest()

    for _ in range(2):
        folder.take("a.md", problems.under("first"))
        folder.take("b.md", problems.under("second"))

    assert list(folder.read) == ["a.md"]
    assert folder.digest() != empty
    error = problems.error()
    assert error is not None
    assert error.problems == (
        f"file: second: there is no such file in {tmp_path.name}/; did you mean 'a.md'?",
    )


def test_a_folder_that_is_not_there_has_no_files(tmp_path: Path) -> None:
    problems = Problems("file")

    Folder(tmp_path / "none").take("a.md", problems)

    assert "there is no such file in none/; there are none" in str(problems.error())


def test_a_name_too_long_for_any_file_is_a_problem_of_its_entry(tmp_path: Path) -> None:
    problems = Problems("catalogue.json")

    Folder(tmp_path).take("x" * 300 + ".md", problems)

    error = problems.error()
    assert error is not None
    assert "cannot be read" in error.problems[0]
