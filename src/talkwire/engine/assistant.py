"""The agent that every server has: its models and tools as they are."""

from __future__ import annotations

from talkwire.canon.agents import ASSISTANT, AgentCard
from talkwire.engine.ports import Models, Tools


class Assistant:
    """All agents of a server without any other: see `ports.Agents`."""

    def __init__(self, models: Models, tools: Tools | None = None) -> None:
        self._models = models
        self._tools = tools

    def cards(self) -> tuple[AgentCard, ...]:
        """The assistant alone, with the tools that there are now."""
        offered = () if self._tools is None else self._tools.offered()
        card = AgentCard(
            ASSISTANT,
            "Assistant",
            "Answers with the server's own model and tools.",
            model=self._models.names()[0],
            tools=tuple(tool.name for tool in offered),
        )
        return (card,)
