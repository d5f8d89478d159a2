"""The tool of the benchmark: it does nothing, so that only what is around it is measured."""

from __future__ import annotations

from talkwire.tools import tool


@tool
async def noop() -> str:
    """Do nothing."""
    return "done"
