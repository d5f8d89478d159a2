"""The tools of this wire: what each is for, what it takes and gives, and who may call it."""

from __future__ import annotations

from typing import NamedTuple

from mcp_types import Tool, ToolAnnotations
from pydantic import BaseModel

from talkwire.wires.mcp.shapes import (
    Arguments,
    ChatAnswer,
    ChatArguments,
    ListArguments,
    MessageList,
    ReadArguments,
    ScenarioArguments,
    ScenarioList,
    SessionList,
    SupportAnswer,
    SupportArguments,
)


class Offer(NamedTuple):
    """A tool: what it is for, what it takes and gives, and the scopes one of which it needs."""

    description: str
    takes: type[Arguments]
    gives: type[BaseModel]
    scopes: tuple[str, ...]
    reads: bool = True


OFFERS = {
    "chat": Offer(
        "Ask this server's model, or carry a conversation on with `session_id`. The text comes as"
        " progress while it is written.",
        ChatArguments,
        ChatAnswer,
        ("chat",),
        reads=False,
    ),
    "ask_support": Offer(
        "Ask the help desk: the answer comes from its scenarios and procedures alone. It may ask"
        " back; carry the case on with `session_id`.",
        SupportArguments,
        SupportAnswer,
        ("chat",),
        reads=False,
    ),
    "list_scenarios": Offer(
        "The scenarios that the help desk answers from, by category.",
        ScenarioArguments,
        ScenarioList,
        ("chat",),
    ),
    "list_sessions": Offer(
        "Your conversations, the one used last first.",
        ListArguments,
        SessionList,
        ("sessions:read",),
    ),
    "read_session": Offer(
        "The messages of one of your conversations, the newest page first.",
        ReadArguments,
        MessageList,
        ("sessions:read",),
    ),
}


def as_tool(name: str, offer: Offer) -> Tool:
    """The offer as the protocol tells it."""
    hints = ToolAnnotations(
        read_only_hint=offer.reads, destructive_hint=False, open_world_hint=not offer.reads
    )
    return Tool(
        name=name,
        description=offer.description,
        input_schema=offer.takes.model_json_schema(),
        output_schema=offer.gives.model_json_schema(),
        annotations=hints,
    )
