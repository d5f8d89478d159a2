"""The Responses API where the server has it, else Chat Completions; found out by asking once."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from talkwire.canon.deltas import Delta, Hear
from talkwire.canon.turn import ModelRequest
from talkwire.models._endpoint import Endpoint
from talkwire.models._faults import NoSuchPath


class Fallback:
    """Fits the port `Model`. A server without the first API is remembered while this lives."""

    def __init__(self, first: Endpoint, second: Endpoint) -> None:
        self._first = first
        self._second = second
        self._settled = False

    async def answer(self, request: ModelRequest, hear: Hear) -> None:
        """See `Model.answer`."""
        if self._settled:
            await self._second.answer(request, hear)
            return
        try:
            await self._first.answer(request, hear)
        except NoSuchPath:  # comes before anything is said
            pass
        else:
            return

        def settled(deltas: Sequence[Delta]) -> Awaitable[object] | None:
            self._settled = True
            return hear(deltas)

        await self._second.answer(request, settled)

    async def check(self) -> str:
        """See `Model.check`."""
        return await self._first.check()

    async def close(self) -> None:
        """See `Model.close`."""
        await self._first.close()
        await self._second.close()
