"""No label has more values than are known, whatever is sent."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import talkwire
from talkwire.telemetry.labels import MOST, Known, codes, method, status_class

SOURCE = Path(talkwire.__file__).parent
CODE = re.compile(r'\bcode="([a-z_]+)"|AudioFailed\([^,]+, "([a-z_]+)"')


def test_what_is_known_is_itself_and_all_else_is_other() -> None:
    tool = Known(lambda: ["clock"])

    assert [tool("clock"), tool("../../etc"), tool(None)] == ["clock", "other", "none"]


def test_what_becomes_known_later_is_told_and_keeps_its_label() -> None:
    names: list[str] = []
    tool = Known(lambda: names)
    before = tool("fetch")
    names.append("fetch")
    known = tool("fetch")
    names.clear()

    assert (before, known, tool("fetch")) == ("other", "fetch", "fetch")


def test_a_server_of_tools_that_renames_them_makes_no_more_than_so_many_labels() -> None:
    now = [""]
    tool = Known(lambda: now)
    for number in range(3 * MOST):
        now[0] = f"tool{number}"
        tool(now[0])

    assert len({tool(f"tool{number}") for number in range(3 * MOST)}) == MOST + 1


def test_every_code_that_is_raised_somewhere_is_known() -> None:
    raised = {
        code
        for path in SOURCE.rglob("*.py")
        for pair in CODE.findall(path.read_text("utf-8"))
        for code in pair
        if code
    }

    assert raised - codes() == set()
    assert {"internal_error", "upstream_timeout", "worker_lost"} <= codes()


@pytest.mark.parametrize(
    ("status", "label"), [(200, "2xx"), (404, "4xx"), (503, "5xx"), (0, "none"), (999, "none")]
)
def test_a_status_is_told_by_its_class(status: int, label: str) -> None:
    assert status_class(status) == label


def test_methods_are_those_of_http() -> None:
    assert [method("GET"), method("BREW")] == ["GET", "other"]
