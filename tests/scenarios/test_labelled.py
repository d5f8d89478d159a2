from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from talkwire.scenarios.labelled import (
    COLUMNS,
    SHIPPED,
    LabelledError,
    Row,
    apart_from,
    divided,
    folded,
    read,
    write,
)
from talkwire.scenarios.reading import read as read_catalogue
from tests.scenarios.labels import labels, row
from tests.scenarios.shop import STATUS, shop

HEAD = ",".join(COLUMNS)


def _file(folder: Path, *lines: str) -> Path:
    path = folder / "labelled.csv"
    path.write_text("\n".join((HEAD, *lines)) + "\n", encoding="utf-8")
    return path


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    rows = (row(1, 'a "quoted", text\nof two lines', STATUS.key), *labels()[2:])

    write(tmp_path / "all.csv", rows)

    assert read(tmp_path / "all.csv", shop()) == rows


def test_a_byte_order_mark_and_further_columns_are_no_matter(tmp_path: Path) -> None:
    path = tmp_path / "excel.csv"
    path.write_text(f"{HEAD},note\n1,test,zh,plain,,提现,提现,状态,mine\n", encoding="utf-8-sig")

    assert read(path)[0].text == "提现"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("1,train,zh,plain,,提现,提现,状态", "line 2, split: 'train' is none of calibration, test"),
        ("1,test,fr,plain,,提现,提现,状态", "line 2, language: 'fr'"),
        ("1,test,zh,odd,,提现,提现,状态", "line 2, kind: 'odd'"),
        ("1,test,zh,plain,, ,提现,状态", "line 2, text: is empty"),
        ("1,test,zh,followup,,那呢,提现,状态", "line 2, previous: stands in a followup"),
        ("1,test,zh,plain,早,那呢,提现,状态", "line 2, previous: stands in a followup"),
        ("1,test,zh,plain,,提现,提现,", "line 2, subcategory: is empty"),
        ("1,test,zh,plain,,提现,提现,没有", "line 2, subcategory: the catalogue has no"),
        ("1,test,zh,person,,人工,提现,状态", "line 2, category: a text of the kind person"),
        ("1,test,zh,plain,,提现", "line 2, column count: 8 cells are needed"),
        ('1,test,zh,plain,,"提现,提现,状态', "line 2: unexpected end of data"),
    ],
)
def test_what_is_wrong_is_told_by_line_and_column(tmp_path: Path, line: str, told: str) -> None:
    with pytest.raises(LabelledError) as caught:
        read(_file(tmp_path, line), shop())

    assert told in str(caught.value)


def test_an_id_stands_once(tmp_path: Path) -> None:
    lines = ["7,test,zh,plain,,提现,提现,状态"] * 2

    with pytest.raises(LabelledError, match="line 3, id: '7' stands in line 2 already"):
        read(_file(tmp_path, *lines))


def test_of_many_problems_the_first_are_told(tmp_path: Path) -> None:
    lines = [f"{n},train,zh,plain,,提现,提现,状态" for n in range(50)]

    with pytest.raises(LabelledError, match="and 30 more"):
        read(_file(tmp_path, *lines))


@pytest.mark.parametrize("text", ["", "id,text\n1,x\n"])
def test_a_column_that_is_missing_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.csv").write_text(text)

    with pytest.raises(LabelledError, match=r"line 1: no column .*split"):
        read(tmp_path / "bad.csv")


def test_a_file_that_is_not_there_or_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")

    for name in ("none.csv", "bytes.csv"):
        with pytest.raises(LabelledError, match=f"{name}: cannot be read"):
            read(tmp_path / name)


def test_halves_are_equal_within_each_scenario_language_and_kind() -> None:
    rows = labels()

    halves = divided(rows)

    test = Counter((r.key, r.language, r.kind) for r in halves if r.split == "test")
    for part, count in Counter((r.key, r.language, r.kind) for r in rows).items():
        assert abs(2 * test[part] - count) <= 1
    assert abs(sum(r.split == "test" for r in halves) * 2 - len(rows)) <= 1


def test_a_half_depends_on_the_texts_and_not_on_their_order() -> None:
    rows = labels()

    backwards = divided(rows[::-1])

    assert set(backwards) == set(divided(rows))


def test_examples_of_the_catalogue_are_left_out() -> None:
    kept = row(1, "提现到哪里了呀", STATUS.key)
    same = row(2, "提现，到哪了？", STATUS.key)
    aside = row(3, "Tell me a JOKE!", kind="out_of_scope")

    assert apart_from([kept, same, aside], shop()) == (kept,)


def test_folding_keeps_what_tells_texts_apart() -> None:
    assert folded("退款 到賬？！") == folded("退款到账")
    assert folded("退款到账") != folded("退款没到账")


def test_the_shipped_texts_fit_the_sample() -> None:
    rows = read(SHIPPED, read_catalogue(SHIPPED.with_name("catalogue.json")))

    assert len(rows) > 1_100
    splits = Counter(each.split for each in rows)
    assert abs(splits["test"] - splits["calibration"]) < 10
    assert _texts(rows, "test").isdisjoint(_texts(rows, "calibration"))


def _texts(rows: tuple[Row, ...], split: str) -> set[str]:
    return {each.previous + folded(each.text) for each in rows if each.split == split}
