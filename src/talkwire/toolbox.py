"""The tools that settings ask for, all together.

Each kind is imported when it is asked for: a server without tools pays nothing for them.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from talkwire.engine.ports import Tools
from talkwire.settings import McpServerSettings, Settings
from talkwire.web.egress import Policy

if TYPE_CHECKING:
    from talkwire.tools.union import Joined


def toolbox(settings: Settings) -> Joined | None:
    """Not open yet; None where no tool is asked for. Relative paths begin at the current folder.

    :raises ValueError: a module, a server's entry or a list of hosts cannot be used.
    """
    sources: list[Tools] = []
    if any(settings.tools.builtin.model_dump().values()):
        sources.append(_builtin(settings))
    if settings.tools.module is not None:
        from talkwire.tools.modules import load

        sources += load(settings.tools.module, Path.cwd())
    if settings.mcpServers:
        from talkwire.tools.mcp import McpServers
        from talkwire.tools.mcp_config import read_servers

        given = {name: _plain(entry) for name, entry in settings.mcpServers.items()}
        sources.append(McpServers(read_servers(given)))
    if not sources:
        return None
    from talkwire.tools.union import Joined

    return Joined(sources, approve=settings.tools.approve)


def policy(settings: Settings) -> Policy:
    """Where requests and tools may lead: beyond loopback only to hosts that are listed.

    :raises ValueError: the list of hosts cannot be understood.
    """
    asked = settings.egress
    return Policy(asked.allow, private=asked.private, enabled=settings.listens_near)


def fault(schema: dict[str, Any], arguments: dict[str, Any]) -> str | None:
    """What is wrong with a call's arguments by its tool's schema, in words for a model."""
    from talkwire.tools.arguments import fault

    return fault(schema, arguments)


def alike(name: str, known: Iterable[str]) -> list[str]:
    """The names most like one that nobody has, the nearest first."""
    from talkwire.tools.near import near

    return near(name, known)


def _builtin(settings: Settings) -> Tools:
    from talkwire.tools.builtin import builtin
    from talkwire.web.egress_fetch import Fetch

    asked = settings.tools.builtin
    get = Fetch(policy(settings)) if asked.fetch else None
    return builtin(clock=asked.clock, calculator=asked.calculator, fetch=get)


def _plain(entry: McpServerSettings) -> dict[str, Any]:
    """The entry as other hosts write it: what is not given is left away."""
    given = entry.model_dump(exclude_defaults=True)
    return {key: _shown(value) for key, value in given.items()}


def _shown(value: object) -> object:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, dict):
        return {key: _shown(inner) for key, inner in value.items()}
    return value
