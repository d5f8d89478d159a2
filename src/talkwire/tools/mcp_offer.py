"""What an MCP server offers, as far as it can be trusted to be shown: tools, resources, prompts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from mcp_types import Prompt, Resource, ResourceTemplate
from mcp_types import Tool as ToolThere

from talkwire.canon.tools import Tool
from talkwire.tools.mcp_config import McpServerConfig
from talkwire.tools.mcp_schema import Unsafe, safe_schema
from talkwire.tools.mcp_text import clean

MOST_TOOLS = 500
MOST_ENTRIES = 1000
_DESCRIPTION_CHARS = 2000
_SCHEMA_CHARS = 1_000_000
"""What all schemas of a server hold together."""
_NAME = re.compile(r"[A-Za-z0-9_./-]{1,128}")


def tools(given: Iterable[ToolThere], config: McpServerConfig) -> tuple[tuple[Tool, ...], str]:
    """The tools that may be offered, each name once, and why others may not (empty: all may).

    Blocks for a millisecond a tool: not for the event loop.
    """
    kept: dict[str, Tool] = {}
    refused: list[str] = []
    left = _SCHEMA_CHARS
    for tool in given:
        left -= len(tool.model_dump_json(include={"input_schema"}))
        try:
            if left < 0:
                raise Unsafe("the schemas of its server are too large together")
            if tool.name in kept or not _NAME.fullmatch(tool.name):
                raise Unsafe("its name is malformed or taken")
            kept[tool.name] = _tool(tool, config)
        except Unsafe as error:
            refused.append(f"{clean(tool.name, 64)!r} is not offered: {error}.")
    return tuple(kept.values()), " ".join(refused[:5])


def _tool(there: ToolThere, config: McpServerConfig) -> Tool:
    hints = there.annotations
    reads = bool(hints and hints.read_only_hint)
    harmless = reads or bool(hints and hints.destructive_hint is False)
    return Tool(
        name=there.name,
        description=clean(there.description or there.title or "", _DESCRIPTION_CHARS),
        input_schema=safe_schema(there.input_schema),
        supports_streaming=True,
        server=config.name,
        idempotent=reads or bool(hints and hints.idempotent_hint),
        requires_approval=config.requires_approval is True
        or (config.requires_approval == "destructive" and not harmless),
        timeout_s=config.timeout_s,
    )


def resources(given: Iterable[Resource | ResourceTemplate]) -> tuple[dict[str, Any], ...]:
    """Resources, and templates of them, as plain entries."""
    return tuple(
        {
            "uri": clean(str(e.uri if isinstance(e, Resource) else e.uri_template), 2000),
            "template": not isinstance(e, Resource),
            "name": clean(e.name, 256),
            "description": clean(e.description or "", _DESCRIPTION_CHARS),
            "mime_type": clean(e.mime_type or "", 256) or None,
        }
        for e in given
    )


def prompts(given: Iterable[Prompt]) -> tuple[dict[str, Any], ...]:
    """Prompts, with what they ask for."""
    return tuple(
        {
            "name": clean(each.name, 256),
            "description": clean(each.description or "", _DESCRIPTION_CHARS),
            "arguments": [
                {
                    "name": clean(argument.name, 256),
                    "description": clean(argument.description or "", _DESCRIPTION_CHARS),
                    "required": bool(argument.required),
                }
                for argument in (each.arguments or [])[:50]
            ],
        }
        for each in given
    )
