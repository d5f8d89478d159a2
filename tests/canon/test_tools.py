from __future__ import annotations

from talkwire.canon.tools import Tool, ToolAnswer


def test_a_tool_takes_an_object_and_is_careful_unless_it_says_otherwise() -> None:
    tool = Tool("clock")

    assert tool.input_schema == {"type": "object"}
    assert not tool.idempotent
    assert not tool.requires_approval
    assert Tool("other").input_schema is not tool.input_schema


def test_an_answer_is_no_error_unless_it_says_so() -> None:
    assert ToolAnswer("12:00") == ToolAnswer("12:00", is_error=False, truncated=False)
