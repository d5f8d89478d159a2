"""The Responses API where the server has it, else Chat Completions; found out by asking once."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from talkwire.canon.deltas import Delta
from talkwire.canon.turn import ModelRequest
from talkwire.models._endpoint import Endpoint
from talkwire.models._faults import NoSuchPath


class Fallback:
    """Fits the port `Model`. A server without the first API is remembered while this lives."""

    def __init__(self, first: Endpoint, second: Endpoint) -> None:
        self._first = first
        self._second = second
        self._settled = False

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Sequence[Delta], None]:
        """See `Model.stream`."""
        if not self._settled:
            try:
                async with aclosing(self._first.stream(request)) as stream:
                    async for deltas in stream:
                        yield deltas
                    return
            except NoSuchPath:  # comes before anything is said
                pass
        async with aclosing(self._second.stream(request)) as stream:
            async for deltas in stream:
                self._settled = True
                yield deltas

    async def check(self) -> str:
        """See `Model.check`."""
        return await self._first.check()

    async def close(self) -> None:
        """See `Model.close`."""
        await self._first.close()
        await self._second.close()
