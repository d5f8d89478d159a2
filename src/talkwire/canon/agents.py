"""Agents as clients and routing see them: who they are, and what they work with."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

AgentKind = Literal["agent", "team", "remote"]

ASSISTANT = "assistant"
"""The agent that every server has: its models and tools as they are, without anything added."""


class AgentCard(Struct, frozen=True):
    """One agent. `model` is what it asks ("" where it has its own, elsewhere); `tools` are names.
    `members` are a team's, by id; `why` tells in words why it cannot be asked just now.
    """

    id: str
    name: str
    description: str = ""
    kind: AgentKind = "agent"
    model: str = ""
    tools: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    why: str = ""
