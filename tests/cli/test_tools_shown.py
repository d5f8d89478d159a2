"""Tools as they are printed."""

from __future__ import annotations

from typing import Any

import pytest

from talkwire.canon.tools import Tool
from talkwire.cli.tools_shown import entry, signature, tables


@pytest.mark.parametrize(
    ("schema", "shown"),
    [
        ({"type": "object"}, ""),
        ({"properties": {"a": {"type": "string"}}, "required": ["a"]}, "a: string"),
        ({"properties": {"a": {"type": ["string", "null"]}}}, "a?: string | null"),
        ({"properties": {"a": {"enum": ["km", 1]}}}, 'a?: "km" | 1'),
        ({"properties": {"a": True}}, "a?: any"),
    ],
)
def test_arguments_are_shown_with_their_types(schema: dict[str, Any], shown: str) -> None:
    assert signature(Tool("t", input_schema=schema)) == shown


def test_what_a_server_says_steers_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    tool = Tool("t", "\x1b]0;title\x07[red]Reads.[/red]" + "x" * 300, server="s")
    failed = {"name": "s\x1b[2J", "transport": "stdio", "status": "failed", "tools": []}

    tables([tool], [{**failed, "last_error": "\x1b[31mgone[/]"}])

    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "[red]" in shown
    assert "gone[/]" in shown
    assert "…" in shown


def test_programs_get_the_whole_of_a_tool() -> None:
    assert entry(Tool("t", "x" * 300))["description"] == "x" * 300
