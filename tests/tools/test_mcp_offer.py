"""What servers offer, as entries that can be shown."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_types import Prompt, Resource, ResourceTemplate
from mcp_types import Tool as ToolThere

from talkwire.canon.tools import Tool
from talkwire.tools import mcp_offer
from talkwire.tools.mcp_config import read_server


def offered(*given: dict[str, Any], approval: bool | str = False) -> tuple[tuple[Tool, ...], str]:
    config = read_server("s", {"command": "x", "timeout_s": 7, "requires_approval": approval})
    there = [ToolThere.model_validate({"inputSchema": {"type": "object"}} | t) for t in given]
    return mcp_offer.tools(there, config)


def test_a_tool_is_offered_with_its_server_and_its_limit() -> None:
    (tool,), refused = offered({"name": "a.b/c-d_1", "description": "Does."})

    assert tool == Tool(
        "a.b/c-d_1", "Does.", {"type": "object"}, supports_streaming=True, server="s", timeout_s=7
    )
    assert refused == ""


@pytest.mark.parametrize("name", ["", "a b", "x" * 129, "ä", "a\n", "a;b"])
def test_names_that_models_cannot_say_are_refused(name: str) -> None:
    tools, refused = offered({"name": name})

    assert tools == ()
    assert "its name is malformed" in refused


def test_a_name_is_offered_once() -> None:
    tools, refused = offered({"name": "a", "title": "First"}, {"name": "a"})

    assert [tool.description for tool in tools] == ["First"]
    assert "'a' is not offered: its name is malformed or taken." in refused


def test_schemas_together_are_bounded() -> None:
    large = {"type": "object", "properties": {f"p{n}": {"type": "string"} for n in range(1800)}}
    tools, refused = offered(*({"name": f"t{n}", "inputSchema": large} for n in range(40)))

    assert 10 < len(tools) < 40
    assert "too large together" in refused


@pytest.mark.parametrize(
    ("hints", "idempotent", "asked"),
    [
        ({}, False, True),
        ({"readOnlyHint": True}, True, False),
        ({"idempotentHint": True}, True, True),
        ({"destructiveHint": False}, False, False),
        ({"destructiveHint": True}, False, True),
    ],
)
def test_hints_count_as_far_as_the_operator_lets_them(
    hints: dict[str, bool], idempotent: bool, asked: bool
) -> None:
    entry = {"name": "a", "annotations": hints}

    assert offered(entry)[0][0].idempotent is idempotent
    assert not offered(entry)[0][0].requires_approval
    assert offered(entry, approval=True)[0][0].requires_approval
    assert offered(entry, approval="destructive")[0][0].requires_approval is asked


def test_resources_and_prompts_are_plain_entries() -> None:
    resource = Resource(uri="file:///a", name="A\u200b", mime_type="text/plain")
    template = ResourceTemplate(uri_template="file:///{x}", name="T")
    prompt = Prompt.model_validate({"name": "p", "arguments": [{"name": "x", "required": True}]})

    first, second = mcp_offer.resources([resource, template])
    (asked,) = mcp_offer.prompts([prompt])

    assert (first["uri"], first["name"], first["template"]) == ("file:///a", "A", False)
    assert (second["uri"], second["template"]) == ("file:///{x}", True)
    assert asked["arguments"] == [{"name": "x", "description": "", "required": True}]
