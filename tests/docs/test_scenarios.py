"""The page about scenarios: its catalogue is read, its keys and commands are those there are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from talkwire import settings
from talkwire.catalogues import Catalogue, Measuring, bundled, check
from talkwire.cli import scenarios_page
from talkwire.cli.main import app
from talkwire.scenarios import labelled, reading, shapes, slots, sops
from talkwire.scenarios.flow import walk

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "scenarios.md").read_text("utf-8")


def _block(kind: str) -> str:
    (found,) = re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def _rows(heading: str) -> dict[str, str]:
    """The rows of the table under this heading, by each code word in their first cell."""
    table = PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0]
    rows: dict[str, str] = {}
    for line in table.splitlines():
        rows |= dict.fromkeys(re.findall(r"`([^`]+)`", line.split("|")[1]), line) if line else {}
    return rows


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    """The example of the page with its procedure, as a server reads it."""
    (tmp_path / "sops").mkdir()
    (tmp_path / "sops" / "repairs.md").write_text(_block("markdown"), "utf-8")
    (tmp_path / "catalogue.json").write_text(_block("json"), "utf-8")
    found = check(tmp_path / "catalogue.json")
    assert found.catalogue is not None, found.problems
    return found.catalogue


def test_the_catalogue_on_the_page_can_be_used(catalogue: Catalogue) -> None:
    repair, booking = catalogue.scenarios

    assert repair.extra == {"owner": "workshop"}
    assert booking.steps == ()
    assert [p.language for p in catalogue.passages["repairs.md"]] == ["zh", "en"]


def test_its_flow_goes_as_the_page_says(catalogue: Catalogue) -> None:
    repair, _ = catalogue.scenarios

    assert walk(repair, {}, frozenset()).waits == "ask_order"
    known = {"order_id": "BK-20411"}
    assert walk(repair, known, frozenset()).said == ("usual",)
    assert walk(repair, known | {"state": "ready"}, frozenset()).said == ("ready",)
    assert walk(repair, known | {"state": "waiting"}, frozenset()).handed_over


def test_the_fact_on_the_page_fills_its_slot(catalogue: Catalogue) -> None:
    (fact,) = re.findall(r"\(the fact `([^`]+)`", PAGE)

    assert slots.from_facts(catalogue.scenarios[0], fact) == {"order_id": "BK-20411"}


@pytest.mark.parametrize(
    ("heading", "shape"),
    [
        ("key of the file", shapes.CatalogueShape),
        ("key of a scenario", shapes.ScenarioShape),
        ("key of a step", shapes.StepShape),
        ("key of a slot", shapes.SlotShape),
    ],
)
def test_every_key_is_documented_and_no_other(heading: str, shape: type[BaseModel]) -> None:
    known = set(shape.model_fields) | ({"scenarios"} if heading == "key of the file" else set())

    assert set(_rows(heading)) == known


@pytest.mark.parametrize("example", [json.loads(_block("json"))])
def test_the_example_has_every_key_of_a_scenario(example: dict[str, Any]) -> None:
    assert set(shapes.ScenarioShape.model_fields) <= set(example["scenarios"][0])


def test_the_labelled_texts_on_the_page_can_be_used(catalogue: Catalogue, tmp_path: Path) -> None:
    path = tmp_path / "labelled.csv"
    path.write_text(_block("csv"), "utf-8")

    assert len(labelled.read(path, catalogue)) == 4
    rows = _rows("column")
    assert tuple(rows) == labelled.COLUMNS
    for column, kind in (
        ("split", labelled.Split),
        ("language", labelled.Written),
        ("kind", labelled.Kind),
    ):
        assert [value for value in get_args(kind) if f"`{value}`" not in rows[column]] == []


def test_the_limits_are_those_that_hold() -> None:
    limits = PAGE.partition("\n## Limits")[2]

    for figure in (
        f"{reading.MOST_SCENARIOS:,} scenarios",
        f"{reading.MOST_BYTES // 2**20} MiB",
        f"{sops.MOST_BYTES // 2**10} KiB",
        f"{slots.TEXT_CHARS:,} characters",
    ):
        assert figure in " ".join(limits.split())


def test_the_configuration_on_the_page_can_be_used(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(_block("yaml"), "utf-8")

    assert settings.load(path).scenarios.path == tmp_path / "catalogue.json"


def test_the_figures_on_the_page_are_those_that_are_measured() -> None:
    found = check(bundled()).catalogue
    assert found is not None
    measured = Measuring(found, bundled().with_name("labelled.csv")).evaluate("test")

    figures = PAGE.partition(scenarios_page.BEGIN)[2].partition(scenarios_page.END)[0]
    now = scenarios_page.markdown(measured, len(found.scenarios))
    assert figures.strip() == now, "talkwire scenarios evaluate --write"


def test_the_commands_on_the_page_exist_with_their_options() -> None:
    commands = re.findall(r"talkwire scenarios ([a-z]+)([^\n#`]*)", PAGE)

    assert {name for name, _ in commands} == {
        "list",
        "show",
        "try",
        "import",
        "check",
        "evaluate",
    }
    for name, rest in commands:
        told = CliRunner().invoke(app, ["scenarios", name, "--help"], env={"COLUMNS": "200"}).output
        assert [each for each in re.findall(r"--[a-z-]+", rest) if each not in told] == []
