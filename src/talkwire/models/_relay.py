"""A stream that finds its source first and hands out nothing but the source afterwards.

A generator around a generator is resumed for every item that passes through it; retries and
fall-backs matter before the first token only, so from then on they should cost nothing.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol

from talkwire.canon.deltas import Delta


class Stream(Protocol):
    """What a model's answer is; see the engine's port `Deltas`."""

    def __aiter__(self) -> AsyncIterator[Sequence[Delta]]: ...
    def __anext__(self) -> Awaitable[Sequence[Delta]]: ...
    def aclose(self) -> Awaitable[None]: ...


class Found(NamedTuple):
    """A stream, and what was read of it to know that it is the one."""

    opening: Sequence[Delta]
    stream: Stream


Search = AsyncGenerator[Sequence[Delta] | Found, None]


class Relay:
    """Gives out what `search` yields, until that is `Found`: from then on it is that stream.

    The relay closes the stream that it was given; `search` closes those that it has not given.
    """

    __slots__ = ("_next", "_search", "_source")

    def __init__(self, search: Search) -> None:
        self._search: Search | None = search
        self._source: Stream | None = None
        self._next: Callable[[], Awaitable[Sequence[Delta]]] = self._find

    def __aiter__(self) -> AsyncIterator[Sequence[Delta]]:
        return self

    def __anext__(self) -> Awaitable[Sequence[Delta]]:
        return self._next()

    async def aclose(self) -> None:
        """Close what is open."""
        if self._search is not None:
            await self._search.aclose()
        if self._source is not None:
            await self._source.aclose()

    async def _find(self) -> Sequence[Delta]:
        search = self._search
        if search is None:
            raise StopAsyncIteration
        found = await search.__anext__()
        if not isinstance(found, Found):
            return found
        self._source = found.stream
        self._next = found.stream.__anext__
        self._search = None
        await search.aclose()
        return found.opening
