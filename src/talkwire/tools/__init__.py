"""What tools are written with. The modules within are the server's own."""

from __future__ import annotations

from talkwire.canon.tools import CallContext
from talkwire.tools.decorated import tool
from talkwire.tools.local import McpToolExecute, ToolInfo

__all__ = ["CallContext", "McpToolExecute", "ToolInfo", "tool"]
