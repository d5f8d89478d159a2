"""The scrape, the alerts and the dashboard ask for figures that there are, by their labels."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from talkwire.canon.keys import SCOPES
from talkwire.web.metrics import PATH
from tests.figures import figures

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
PROMETHEUS = DEPLOY / "prometheus"
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "talkwire.json").read_text("utf-8"))
ALERTS = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text("utf-8"))
NAME = re.compile(r"\b(?:talkwire|process)_[a-z_]+")
OURS_OF_PROMETHEUS = {"job", "instance", "le"}
# Limits of the system, and an address space that tells little: for whoever looks for them.
NOT_SHOWN = {"process_max_fds", "process_virtual_memory_bytes"}


def panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def shown() -> list[str]:
    return [target["expr"] for panel in panels() for target in panel["targets"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for group in ALERTS["groups"] for rule in group["rules"]]


def expressions() -> list[str]:
    return [*shown(), *(rule["expr"] for rule in alerts())]


def asked(expression: str) -> Iterator[str]:
    """The figures of an expression, by the names that they are declared with."""
    for name in NAME.findall(expression):
        bare = re.sub(r"_(bucket|sum|count)$", "", name)
        yield bare if bare in figures() and figures()[bare][0] == "histogram" else name


@pytest.mark.parametrize("expression", expressions())
def test_an_expression_asks_for_what_is_told(expression: str) -> None:
    names = set(asked(expression))
    known = OURS_OF_PROMETHEUS | {
        label for name in names if name in figures() for label in figures()[name][1]
    }
    grouped = re.findall(r"\bby \(([^)]*)\)", expression)
    matched = re.findall(r'[{,]([a-z_]+)=~?"', expression)

    assert names <= set(figures())
    assert names or expression.startswith("up{")
    assert {each.strip() for group in grouped for each in group.split(",")} | {*matched} <= known
    assert expression.count("(") == expression.count(")")


@pytest.mark.parametrize("expression", expressions())
def test_what_grows_is_asked_for_its_rate_and_quantiles_are_of_buckets(expression: str) -> None:
    for name in asked(expression):
        if figures()[name][0] in ("counter", "histogram"):
            assert re.search(rf"(rate|increase)\({name}", expression)
    assert ("histogram_quantile" in expression) == ("_bucket" in expression)


def test_every_figure_is_shown() -> None:
    assert {name for each in shown() for name in asked(each)} == set(figures()) - NOT_SHOWN


def test_the_dashboard_can_be_imported() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    taken = [
        (x, y)
        for at in places
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]

    assert len(set(ids)) == len(ids)
    assert len(set(taken)) == len(taken), "no panel lies on another"
    assert all(at["x"] + at["w"] <= 24 for at in places)
    assert all(panel["title"] for panel in DASHBOARD["panels"])
    names = [each["name"] for each in DASHBOARD["templating"]["list"]]
    assert names == ["datasource", "job", "instance"]
    assert (DASHBOARD["title"], DASHBOARD["uid"]) == ("Talkwire", "talkwire")


def test_every_alert_says_what_is_wrong_and_whom_to_tell() -> None:
    names = [rule["alert"] for rule in alerts()]

    assert len(set(names)) == len(names)
    for rule in alerts():
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]


def test_the_scrape_asks_where_the_figures_are_with_a_key() -> None:
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text("utf-8"))
    (job,) = config["scrape_configs"]
    text = (PROMETHEUS / "prometheus.yml").read_text("utf-8")

    assert job["metrics_path"] == PATH
    assert job["authorization"]["credentials_file"]
    assert all((PROMETHEUS / name).exists() for name in config["rule_files"])
    assert re.findall(r"--scopes (\w+)", text) == ["metrics"]
    assert "metrics" in SCOPES
    assert all(f'job="{job["job_name"]}"' in r["expr"] for r in alerts() if r["expr"][:3] == "up{")


def test_promtool_likes_them() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    rules = [promtool, "check", "rules", str(PROMETHEUS / "alerts.yml")]
    done = subprocess.run(rules, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
