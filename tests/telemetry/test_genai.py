"""The names that dashboards of others look for."""

from __future__ import annotations

import ast
from pathlib import Path

import talkwire
from talkwire.telemetry import genai

SOURCE = Path(talkwire.__file__).parent


def test_the_names_are_those_of_the_conventions() -> None:
    assert genai.OPERATION == "gen_ai.operation.name"
    assert (
        *("invoke_agent", "chat"),
        "execute_tool",
    ) == (genai.INVOKE_AGENT, genai.CHAT, genai.EXECUTE_TOOL)
    assert genai.INPUT_TOKENS == "gen_ai.usage.input_tokens"
    assert genai.FINISH_REASONS == "gen_ai.response.finish_reasons"
    assert genai.ERROR == "error.type"


def test_what_is_not_settled_yet_is_named_in_one_module_alone() -> None:
    users = {
        path.name
        for path in (SOURCE / "telemetry").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and "semconv" in str(node.module)
    }

    assert users == {"genai.py"}
