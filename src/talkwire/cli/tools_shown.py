"""Tools and the servers they run on, as they are printed.

What they say of themselves is somebody else's text: it is shown, and steers no terminal.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from talkwire.canon.tools import Tool
from talkwire.cli.client import plain
from talkwire.cli.words import say

_SHORT_CHARS = 200


def entry(tool: Tool) -> dict[str, Any]:
    """All of a tool, for programs."""
    return {
        "name": tool.name,
        "description": tool.description,
        "input_schema": tool.input_schema,
        "supports_streaming": tool.supports_streaming,
        "requires_approval": tool.requires_approval,
        "idempotent": tool.idempotent,
        "timeout_s": tool.timeout_s,
        "server": tool.server,
    }


def tables(offered: Sequence[Tool], servers: Sequence[Mapping[str, Any]]) -> None:
    """Print the tools, and the servers they run on."""
    console = Console(highlight=False)
    columns = ("tools_name", "tools_what", "tools_arguments", "tools_server", "tools_marks")
    tools = Table(*map(say, columns), show_lines=True)
    tools.columns[0].no_wrap = True
    for tool in offered:
        marks = [
            say(word)
            for word, is_so in (
                ("tools_streams", tool.supports_streaming),
                ("tools_asks", tool.requires_approval),
            )
            if is_so
        ]
        cells = (tool.name, _short(tool.description), signature(tool), tool.server)
        tools.add_row(*(escape(plain(cell)) for cell in cells), "\n".join(marks))
    console.print(tools)
    if servers:
        console.print(_servers(servers))


def _servers(servers: Sequence[Mapping[str, Any]]) -> Table:
    """Each server, and why it is not there."""
    table = Table(*map(say, ("tools_server", "tools_transport", "tools_status", "tools_told")))
    colours = {"connected": "green", "failed": "red", "connecting": "yellow"}
    for server in servers:
        status = str(server["status"])
        told = server["last_error"] or say("tools_count", count=len(server["tools"]))
        table.add_row(
            escape(plain(str(server["name"]))),
            escape(str(server["transport"])),
            f"[{colours.get(status, 'dim')}]{status}[/]",
            escape(plain(str(told))),
        )
    return table


def signature(tool: Tool) -> str:
    """What can be given, one line each: `name: type`, with `?` where it may be left away."""
    properties = tool.input_schema.get("properties")
    if not isinstance(properties, dict):
        return ""
    required = tool.input_schema.get("required") or ()
    return "\n".join(
        f"{name}{'' if name in required else '?'}: {_kind(schema)}"
        for name, schema in properties.items()
    )


def _kind(schema: object) -> str:
    if not isinstance(schema, dict):
        return "any"
    if isinstance(schema.get("enum"), list):
        return " | ".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"][:6])
    kind = schema.get("type", "any")
    return " | ".join(map(str, kind)) if isinstance(kind, list) else str(kind)


def _short(text: str) -> str:
    first = text.strip().partition("\n\n")[0]
    return first if len(first) <= _SHORT_CHARS else f"{first[:_SHORT_CHARS]}…"
