"""Several sources of tools as one, in which each name means one tool.

A name that two sources have becomes `server.tool` in both; the plain one then means neither.
Sources come and go while the server runs, and one that fails takes nothing from the others.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, Protocol, runtime_checkable

import structlog
from msgspec.structs import replace

from talkwire.canon.tools import CallContext, Tool, ToolAnswer
from talkwire.tools.arguments import fault
from talkwire.tools.near import unknown

CLOSING_S = 10.0
_log = structlog.get_logger("talkwire.tools")


class Source(Protocol):
    """A source of tools; see the engine's port `Tools`."""

    def offered(self) -> Sequence[Tool]: ...
    async def call(
        self,
        name: str,
        arguments: dict[str, Any],
        context: CallContext,
        hear: Callable[[str], None],
    ) -> ToolAnswer: ...
    async def open(self) -> None: ...
    async def close(self) -> None: ...


@runtime_checkable
class Served(Protocol):
    """A source whose tools run on servers, which may be down."""

    def status(self) -> list[dict[str, Any]]: ...


class Joined:
    """All tools of `sources`, in the order of the sources. Closing it closes them.

    A person has to agree to each call of the tools in `approve`: `name` or `server.name`.
    """

    def __init__(self, sources: Sequence[Source], *, approve: Collection[str] = ()) -> None:
        self._sources = tuple(sources)
        self._approve = frozenset(approve)

    def offered(self) -> Sequence[Tool]:
        """The tools there are now, each under the name that it is called by here."""
        return [
            replace(tool, name=name, requires_approval=tool.requires_approval or self._asks(tool))
            for name, (_, tool) in self._named().items()
        ]

    async def call(
        self,
        name: str,
        arguments: dict[str, Any],
        context: CallContext,
        hear: Callable[[str], None],
    ) -> ToolAnswer:
        """Hand the call to the source that has the tool, if its arguments fit."""
        named = self._named()
        if name not in named:
            return unknown(name, named)
        source, tool = named[name]
        why = fault(tool.input_schema, arguments)
        if why is not None:
            return ToolAnswer(why, is_error=True)
        return await source.call(tool.name, arguments, context, hear)

    def status(self) -> list[dict[str, Any]]:
        """Each server that tools run on, as it is now; see `McpServers.status`."""
        return [
            one for source in self._sources if isinstance(source, Served) for one in source.status()
        ]

    async def open(self) -> None:
        """Open all of them at once; one that cannot be opened is told of in the log."""
        await self._each("open", [source.open() for source in self._sources])

    async def close(self) -> None:
        """Close all of them at once, and leave one that is not closed after `CLOSING_S`."""
        await self._each(
            "close", [asyncio.wait_for(source.close(), CLOSING_S) for source in self._sources]
        )

    async def _each(self, what: str, doing: Sequence[Awaitable[None]]) -> None:
        for source, done in zip(
            self._sources, await asyncio.gather(*doing, return_exceptions=True), strict=True
        ):
            if isinstance(done, BaseException):
                kind = type(source).__name__
                _log.error("tools.source_failed", doing=what, source=kind, exc_info=done)

    def _asks(self, tool: Tool) -> bool:
        return not self._approve.isdisjoint((tool.name, f"{tool.server}.{tool.name}"))

    def _named(self) -> dict[str, tuple[Source, Tool]]:
        """What each name means now."""
        found = [(source, tool) for source in self._sources for tool in source.offered()]
        asked_for = Counter(tool.name for _, tool in found)
        named: dict[str, tuple[Source, Tool]] = {}
        taken = {name for name, times in asked_for.items() if times == 1}
        for source, tool in found:
            name = tool.name
            if asked_for[name] > 1:
                name = _free(f"{tool.server}.{tool.name}", taken)
                taken.add(name)
            named[name] = source, tool
        return named


def _free(name: str, taken: set[str]) -> str:
    """The name, or the first of `name-2`, `name-3` … that is free."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free
