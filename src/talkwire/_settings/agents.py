"""The settings of agents: what an entry of `agents:` can be told, and where others live."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic import model_validator as whole

from talkwire._settings.kinds import Group, Seconds, Url, Words
from talkwire._settings.models import EMBEDDING, ModelSettings
from talkwire._settings.problems import near

RESERVED = "assistant"
_OWN = ("instructions", "members", "mode")

AgentId = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][\w.:-]*$")]


class AgentSettings(Group):
    """One agent; with `members` a team. `model` None is the default one; `tools` are names of the
    tools that this server has, `*` all of them. `module` names an Agno object instead, as
    `path.py:name`.
    """

    id: AgentId
    name: str = ""
    description: str = ""
    instructions: str = ""
    model: str | None = None
    tools: Words = ()
    members: Words = ()
    mode: Literal["coordinate", "route", "broadcast", "collaborate", "tasks"] = "coordinate"
    module: str | None = None

    @whole(mode="after")
    def _keys_go_together(self) -> AgentSettings:
        if self.id == RESERVED:
            raise ValueError(f"id: {RESERVED} is the agent that is always there")
        if self.module is not None:
            for key in _OWN:
                if key in self.model_fields_set:
                    raise ValueError(f"{key}: is the module's own affair")
            if ":" not in self.module:
                raise ValueError("module: expected path.py:name, or package.module:name")
        elif "mode" in self.model_fields_set and not self.members:
            raise ValueError("mode: goes with members")
        return self


class AgnoSettings(Group):
    """An AgentOS whose agents can be asked here. `timeout` is how long it may say nothing, in
    seconds.
    """

    api_url: Url | None = None
    api_key: SecretStr | None = None
    timeout: Seconds = 60


def expect_agents_that_fit(
    agents: Sequence[AgentSettings], models: Sequence[ModelSettings]
) -> None:
    """Whether the entries go together, and with the models.

    :raises ValueError: an id given twice, or a name that nobody has; begins with the key.
    """
    by_id = {agent.id: agent for agent in agents}
    if len(by_id) < len(agents):
        ids = [agent.id for agent in agents]
        twice = next(each for each in ids if ids.count(each) > 1)
        raise ValueError(f"agents: the id {twice!r} is given twice")
    known = [model.name for model in models if model.type != EMBEDDING]
    for agent in agents:
        if known and agent.model is not None and agent.model not in known:
            hint = near(agent.model, known)
            raise ValueError(f"agents: the model of {agent.id!r} is no configured one{hint}")
        for member in agent.members:
            if member not in by_id:
                hint = near(member, list(by_id))
                raise ValueError(f"agents: the members of {agent.id!r} name no such agent{hint}")
        if agent.id in _under(agent, by_id):
            raise ValueError(f"agents: {agent.id!r} would be a member of itself")


def _under(agent: AgentSettings, by_id: Mapping[str, AgentSettings]) -> set[str]:
    """All members, and theirs."""
    found: set[str] = set()

    def walk(members: Sequence[str]) -> Iterator[str]:
        for each in members:
            if each not in found:
                found.add(each)
                yield each
                yield from walk(by_id[each].members if each in by_id else ())

    return set(walk(agent.members))
