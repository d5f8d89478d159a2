"""The table of the agent-chat wire: each route has a row, and each row a test that is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from talkwire.parts import parts
from talkwire.settings import Settings
from talkwire.wiring import wired

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "wires.md").read_text("utf-8")
TABLE = PAGE.partition("### Each route and its test")[2].partition("\n## ")[0]
ROWS = dict(re.findall(r"^\| `([A-Z]+ /[^`]*)` \| (.+) \|$", TABLE, re.MULTILINE))


def _routes(tmp_path: Path) -> Iterator[str]:
    made = wired(parts(Settings(data_dir=tmp_path, use_mock=True), None, None))
    for route in made.routes["agent-chat"]:
        assert isinstance(route, APIRoute)
        path = re.sub(r"{[a-z]+_id(:path)?}", "{id}", route.path)
        yield from (f"{method} {path}" for method in route.methods or ())


def test_every_route_of_the_wire_has_a_row(tmp_path: Path) -> None:
    assert set(_routes(tmp_path)) - set(ROWS) == set()


@pytest.mark.parametrize("route", ROWS)
def test_every_row_names_tests_that_ask_for_its_route(route: str) -> None:
    named = re.findall(r"`(tests/[^`]+\.py)`", ROWS[route])
    begins = route.split()[1].partition("{")[0].rstrip("/")

    assert named
    texts = [(ROOT / each).read_text("utf-8") for each in named]
    assert any(begins in text or _by_name(text) for text in texts)


def _by_name(text: str) -> bool:
    """Whether a test takes the paths from the wire itself."""
    return "from talkwire.wires.agent_chat" in text
