"""What is configured of an agent, in plain values."""

from __future__ import annotations

from msgspec import Struct

ALL_TOOLS = "*"
"""Among an agent's tools: whatever there is."""


class AgentEntry(Struct, frozen=True):
    """One configured agent; with `members` a team. `model` "" is the default one, or with a
    `module` its own, if it has one. `tools` are names as in the list of tools. `module` names an
    Agno object, as `path.py:name`.
    """

    id: str
    name: str = ""
    description: str = ""
    instructions: str = ""
    model: str = ""
    tools: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    mode: str = "coordinate"
    module: str = ""
