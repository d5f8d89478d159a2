"""What both of OpenAI's APIs are asked alike."""

from __future__ import annotations

from typing import Any

from talkwire.canon.tools import Tool

CARRY_ON = (
    "Your last message was cut off. Carry on exactly where it stopped, in the same language and "
    "format. Repeat nothing of it and do not mention the interruption."
)
_NO_SCHEMA = ("response_format", "text.format", "json_schema")


def described(tool: Tool) -> dict[str, object]:
    """A tool as a function."""
    schema = tool.input_schema
    return {"name": tool.name, "description": tool.description, "parameters": schema}


def named(schema: dict[str, Any]) -> dict[str, object]:
    """The schema of a whole answer, which is to be kept to the letter."""
    return {"name": "answer", "strict": True, "schema": schema}


def has_no_schemas(rejection: str) -> bool:
    """Whether a server's 400 is about the schema: many imitators know of none."""
    return any(word in rejection for word in _NO_SCHEMA)
