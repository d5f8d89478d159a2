from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from talkwire.scenarios.asides import ASIDES, CLARIFY
from talkwire.scenarios.catalogue import Words
from talkwire.scenarios.problems import CatalogueError
from talkwire.scenarios.reading import attempt, read
from tests.scenarios.broken import (
    FIRST,
    GOOD,
    PROCEDURES,
    SECOND,
    SOP,
    TEXTS,
    TREES,
    Broken,
    changed,
    written,
)


def _told(path: Path) -> tuple[str, ...]:
    with pytest.raises(CatalogueError) as caught:
        read(path)
    return caught.value.problems


def test_a_good_catalogue_is_read_in_the_order_of_its_file(tmp_path: Path) -> None:
    catalogue = read(written(tmp_path))

    first, second = catalogue.scenarios
    assert first.key == ("取款/提现", "1 提现状态查询 Flow")
    assert first.title == Words("提现状态查询", "提现状态查询")
    assert first.description == "钱到哪了 / Where the money is"
    assert [step.id for step in first.steps] == ["ask_id", "look", "paid", "open", "late"]
    assert list(first.slots) == ["withdrawal_id", "state"]
    assert second.extra == {"owner": "desk 7"}
    assert [each.heading for each in catalogue.passages["withdrawal.md"]] == ["步骤", "Steps"]


def test_a_plain_catalogue_needs_no_flow(tmp_path: Path) -> None:
    entry = {
        "category": "Cash",
        "subcategory": "12. Where is it Flow",
        "description": "Where money is",
        "required_slots": ["case_no"],
        "related_subcategories": [],
        "sop_references": ["withdrawal.md"],
        "priority": 3,
    }
    catalogue = read(written(tmp_path, {"owner": "us", "scenarios": [entry]}))

    (scenario,) = catalogue.scenarios
    assert scenario.title == Words("Where is it", "Where is it")
    assert (scenario.steps, scenario.extra) == ((), {"priority": 3})
    assert (catalogue.clarify, catalogue.asides) == (CLARIFY, ASIDES)


def test_what_a_catalogue_says_itself_stands_before_the_built_in_words(tmp_path: Path) -> None:
    tree = GOOD | {"clarify": {"en": "Which?"}, "asides": {"person": {"text": "请稍候"}}}

    catalogue = read(written(tmp_path, tree))

    assert catalogue.clarify == Words("Which?", "Which?")
    assert catalogue.asides["person"].text == Words("请稍候", "请稍候")
    assert catalogue.asides["person"].examples == ASIDES["person"].examples
    assert catalogue.asides["out_of_scope"] == ASIDES["out_of_scope"]


@pytest.mark.parametrize("broken", TREES, ids=lambda b: f"{b.place}: {b.told}"[-60:])
def test_a_broken_catalogue_is_refused_with_the_place(tmp_path: Path, broken: Broken) -> None:
    problems = _told(written(tmp_path, changed(broken.place, broken.value)))

    assert [line for line in problems if broken.told in line], problems
    assert all(line.startswith("catalogue.json: ") for line in problems)


@pytest.mark.parametrize(("text", "told"), TEXTS, ids=[told[:60] for _, told in TEXTS])
def test_a_file_that_is_no_catalogue_is_refused_with_the_place(
    tmp_path: Path, text: bytes, told: str
) -> None:
    path = tmp_path / "catalogue.json"
    path.write_bytes(text)

    assert [line for line in _told(path) if told in line]


@pytest.mark.parametrize(("content", "told"), PROCEDURES, ids=[told for _, told in PROCEDURES])
def test_a_broken_procedure_is_told_at_the_entry_that_names_it(
    tmp_path: Path, content: bytes | None, told: str
) -> None:
    path = written(tmp_path)
    (tmp_path / "sops" / "withdrawal.md").unlink()
    if content is not None:
        (tmp_path / "sops" / "withdrawal.md").write_bytes(content)

    (problem,) = _told(path)

    assert problem.startswith(f"catalogue.json: {FIRST}: sop_references[0] 'withdrawal.md'")
    assert told in problem


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert _told(tmp_path / "none.json") == (
        "none.json: cannot be read (No such file or directory)",
    )
    assert _told(tmp_path) == (f"{tmp_path.name}: is no file",)


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    tree: dict[str, Any] = copy.deepcopy(GOOD)
    tree["clarify"] = 3
    tree["scenarios"][0]["steps"][2]["when"]["state"] = "foo"
    tree["scenarios"][0]["sop_references"] = ["none.md"]
    del tree["scenarios"][1]["description"]

    problems = _told(written(tmp_path, tree))

    assert [line.removeprefix("catalogue.json: ") for line in problems] == [
        "clarify: expected text, or an object of zh and en, got a number",
        f"{FIRST}: steps[2] paid: when.state: "
        "'foo' is no choice of the slot; known: processing, paid",
        f"{FIRST}: sop_references[0] 'none.md': "
        "there is no such file in sops/; known: withdrawal.md",
        f"{SECOND}: description: is missing",
    ]


def test_at_most_fifty_problems_are_listed(tmp_path: Path) -> None:
    tree = {"scenarios": [{"category": "c", "subcategory": str(n)} for n in range(60)]}
    path = written(tmp_path, tree)

    with pytest.raises(CatalogueError, match="and 10 more") as caught:
        read(path)
    assert len(str(caught.value).splitlines()) == 51
    assert len(caught.value.problems) == 60


def test_a_related_subcategory_of_the_same_category_comes_first(tmp_path: Path) -> None:
    entries: list[dict[str, Any]] = [
        {"category": name, "subcategory": "Status", "description": "d"} for name in ("A", "B")
    ]
    here = entries[1] | {"subcategory": "x", "related_subcategories": ["Status"]}
    there = here | {"category": "C"}

    assert len(read(written(tmp_path, {"scenarios": [*entries, here]})).scenarios) == 3
    assert _told(written(tmp_path, {"scenarios": [*entries, there]})) == (
        "catalogue.json: scenarios[2] C › x: related_subcategories[0]: "
        "'Status' is ambiguous: it is in A, B",
    )


def test_the_version_follows_the_contents_of_all_files(tmp_path: Path) -> None:
    path = written(tmp_path)
    before = read(path).version

    assert read(path).version == before
    (tmp_path / "sops" / "withdrawal.md").write_text(SOP + "\nMore.", encoding="utf-8")
    after = read(path).version
    assert after != before
    path.write_text(json.dumps(GOOD), encoding="utf-8")
    assert read(path).version not in (before, after)


def test_the_folder_of_procedures_is_told_even_by_a_bad_catalogue(tmp_path: Path) -> None:
    tried = attempt(written(tmp_path, {"sops": "guides", "scenarios": []}))

    assert (tried.sops, tried.catalogue) == (tmp_path / "guides", None)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())

    assert len(read(path).scenarios) == 2
