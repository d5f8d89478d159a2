"""Two agents of Agno's for Talkwire: `config.yaml` beside this names them.

An agent without a model asks the server's own; one that has a model keeps it.
"""

from __future__ import annotations

from agno.agent import Agent


def river_level(place: str) -> str:
    """How high the river stands at a place, in metres."""
    levels = {"bridge": 1.4, "mill": 0.9, "harbour": 2.2}
    level = levels.get(place.lower())
    return f"{level} m" if level else f"No gauge at {place}; there is one at {', '.join(levels)}."


gauge = Agent(
    name="Gauge",
    description="Knows how high the river stands.",
    instructions="Look the level up before you answer. One sentence.",
    tools=[river_level],
)


def critic() -> Agent:
    """An agent may also be made by a function."""
    return Agent(
        name="Critic",
        description="Finds what is unclear in a text.",
        instructions="Name what is unclear, in one sentence, or say that nothing is.",
    )
