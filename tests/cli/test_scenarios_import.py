"""`talkwire scenarios import`: a catalogue written from a table, with its procedures."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.cli.catalogue_files import SOP, ran

TABLE = """\
category,subcategory,description,examples,related,sops
提现,1 提现状态 Flow,提现进度,提到哪了| where is it |提到哪了,1 退款进度 Flow,withdrawal.md
退款,1 退款进度 Flow,"退款, 到哪了",refund when,1 提现状态 Flow,refund.md|withdrawal.md
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a table and the procedures that it names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "table.csv").write_text(TABLE, "utf-8")
    (tmp_path / "sops").mkdir()
    for name in ("withdrawal.md", "refund.md"):
        (tmp_path / "sops" / name).write_text(SOP, "utf-8")
    return tmp_path


def made(path: Path) -> list[dict[str, Any]]:
    tree = json.loads(path.read_text("utf-8"))
    assert tree["version"] == 1
    scenarios: list[dict[str, Any]] = tree["scenarios"]
    return scenarios


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_table_becomes_a_catalogue_with_its_procedures(folder: Path) -> None:
    code, text, said = ran("import", "table.csv", "--out", "new/shop.json")

    assert (code, said) == (0, "")
    assert "2 scenarios written to new/shop.json, 2 SOP files" in text
    assert "new/shop.json can be used" in text
    assert files(folder / "new") == ["shop.json", "sops/refund.md", "sops/withdrawal.md"]
    first, second = made(folder / "new" / "shop.json")
    assert first == {
        "category": "提现",
        "subcategory": "1 提现状态 Flow",
        "description": "提现进度",
        "examples": ["提到哪了", "where is it"],
        "related_subcategories": ["1 退款进度 Flow"],
        "sop_references": ["withdrawal.md"],
    }
    assert second["description"] == "退款, 到哪了"
    assert ran("check", "new/shop.json")[0] == 0


def test_a_dry_run_tells_the_same_and_writes_nothing(folder: Path) -> None:
    before = files(folder)

    code, text, _ = ran("import", "table.csv", "--out", "new/shop.json", "--dry-run")

    assert code == 0
    assert "Nothing was written" in text
    assert "new/shop.json can be used" in text
    assert files(folder) == before


def test_what_is_there_is_overwritten_only_when_that_is_asked_for(folder: Path) -> None:
    assert ran("import", "table.csv")[0] == 0
    before = (folder / "catalogue.json").read_bytes()
    (folder / "table.csv").write_text(TABLE.replace("提现进度", "另外的说明"), "utf-8")

    code, _, said = ran("import", "table.csv")
    assert code == 2
    assert "catalogue.json is there already. --force" in said
    assert (folder / "catalogue.json").read_bytes() == before

    assert ran("import", "table.csv", "--force")[0] == 0
    assert made(folder / "catalogue.json")[0]["description"] == "另外的说明"


def test_another_procedure_of_the_same_name_is_not_overwritten_either(folder: Path) -> None:
    theirs = folder / "there" / "sops" / "refund.md"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("# Other\n\nWords.\n")

    code, _, said = ran("import", "table.csv", "--out", "there/catalogue.json")

    assert code == 2
    assert "there/sops/refund.md is there already" in said
    assert files(folder / "there") == ["sops/refund.md"]
    assert theirs.read_text().startswith("# Other")


def test_procedures_may_be_elsewhere_and_all_must_be_there(folder: Path) -> None:
    (folder / "sops").rename(folder / "texts")

    code, _, said = ran("import", "table.csv", "--out", "new/catalogue.json")
    assert code == 2
    assert "withdrawal.md, refund.md" in said
    assert "--sops" in said
    assert not (folder / "new").exists()

    done = ran("import", "table.csv", "--out", "new/catalogue.json", "--sops", "texts")
    assert done[0] == 0


def test_a_catalogue_that_has_to_be_mended_is_written_and_told(folder: Path) -> None:
    twice = TABLE + "退款,2 重复 Flow,说明,refund when,,\n"
    (folder / "table.csv").write_text(twice, "utf-8")

    code, text, _ = ran("import", "table.csv")

    assert code == 1
    assert "examples[0] 'refund when': is the same as scenarios[1]" in text
    assert "talkwire scenarios check catalogue.json" in text
    assert len(made(folder / "catalogue.json")) == 3


def test_what_is_left_out_is_told(folder: Path) -> None:
    table = TABLE.replace("sops\n", "sops,Owner\n").replace(".md\n", ".md,us\n")
    table = table.replace(",1 退款进度 Flow,withdrawal", ",9 Gone Flow,withdrawal")
    (folder / "table.csv").write_text(table, "utf-8")

    code, _, said = ran("import", "table.csv")

    assert code == 0
    assert "Column 'owner' is not known" in said
    assert "提现 › 1 提现状态 Flow: the related '9 Gone Flow'" in said
    assert "related_subcategories" in made(folder / "catalogue.json")[1]
    assert made(folder / "catalogue.json")[0]["related_subcategories"] == []


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_spreadsheets_tables_are_read_too(folder: Path, delimiter: str) -> None:
    header = delimiter.join(("﻿Category", "Subcategory", " description "))
    row = delimiter.join(("A", "1 B Flow", '"C; d, e\tf"'))
    (folder / "t.csv").write_text(f"{header}\r\n{row}\r\n\r\n", "utf-8")

    assert ran("import", "t.csv", "--out", "t.json")[0] == 0
    (only,) = made(folder / "t.json")
    assert only == {"category": "A", "subcategory": "1 B Flow", "description": "C; d, e\tf"}


def test_what_another_server_lists_becomes_a_catalogue_with_all_its_keys(folder: Path) -> None:
    listed = {
        "total_categories": 1,
        "categories": {
            "退款": [
                {
                    "category": "退款",
                    "subcategory": "1 退款进度 Flow",
                    "description": "退款到哪了",
                    "related_subcategories": ["2 申请退款 Flow"],
                    "owner": "us",
                },
                {"subcategory": "2 申请退款 Flow", "description": "申请退款"},
            ]
        },
    }
    (folder / "theirs.json").write_text(json.dumps(listed), "utf-8")

    code, text, _ = ran("import", "theirs.json", language="zh_CN.UTF-8")

    assert code == 0
    assert "已将 2 个场景写入" in text
    first, second = made(folder / "catalogue.json")
    assert first["owner"] == "us"
    assert first["related_subcategories"] == ["2 申请退款 Flow"]
    assert second["category"] == "退款"
    assert "1 退款进度 Flow" in (folder / "catalogue.json").read_text("utf-8")
    code, _, said = ran("import", "catalogue.json", "--out", "x.json")
    assert code == 2
    assert "it is a catalogue already" in said


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("t.csv", b"", "has no column category, subcategory, description"),
        ("t.csv", b"category,subcategory\na,b\n", "has no column description"),
        ("t.csv", b"category,subcategory,description\n", "has no scenarios"),
        ("t.csv", b"category,subcategory,description\na,b\n", "line 2: has 2 cells"),
        ("t.csv", b'category,subcategory,description\na,b,"c\n', "line 2: unexpected end"),
        ("t.csv", "category,subcategory,description\n退款".encode("gbk"), "UTF-8 (line 2)"),
        ("t.json", b"{", "is not the answer of a server"),
        ("t.json", b"[" * 100_000, "is not the answer of a server"),
        ("t.json", b"[]", "expected"),
        ("t.json", b'{"categories": [1]}', "expected"),
        ("t.json", b'{"categories": {"a": [1]}}', "expected"),
        ("t.json", b'{"categories": {"a": [{"x": "\\ud800"}]}}', "is not the answer of a server"),
        ("t.json", b'{"categories": {}}', "has no scenarios"),
        ("t.xlsx", b"PK", "Name it .csv or .json"),
    ],
)
def test_a_source_that_is_none_is_told_and_nothing_is_written(
    folder: Path, name: str, content: bytes, told: str
) -> None:
    (folder / name).write_bytes(content)

    code, text, said = ran("import", name)

    assert (code, text) == (2, "")
    assert told in said
    assert not (folder / "catalogue.json").exists()


def test_strange_kinds_of_values_are_the_checks_matter(folder: Path) -> None:
    strange = {"subcategory": ["x"], "related_subcategories": 5, "sop_references": ["../x", 7]}
    (folder / "t.json").write_text(json.dumps({"categories": {"a": [strange]}}))

    code, text, _ = ran("import", "t.json")

    assert code == 1
    assert "subcategory: expected text, got a list" in text


def test_a_source_that_is_not_there_and_a_place_that_is_none_are_told(folder: Path) -> None:
    assert "gone.csv cannot be read" in ran("import", "gone.csv")[2]
    assert ran("import", ".")[0] == 2
    (folder / "pipe.csv").unlink(missing_ok=True)
    os.mkfifo(folder / "pipe.csv")
    assert ran("import", "pipe.csv")[0] == 2
    code, _, said = ran("import", "table.csv", "--out", "table.csv/x.json")
    assert code == 2
    assert "cannot be written" in said
    assert "cannot be written" in ran("import", "table.csv", "--out", "sops", "--force")[2]
