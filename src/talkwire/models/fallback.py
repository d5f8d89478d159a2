"""The Responses API where the server has it, else Chat Completions; found out by asking once."""

from __future__ import annotations

from talkwire.canon.turn import ModelRequest
from talkwire.models._endpoint import Endpoint
from talkwire.models._faults import NoSuchPath
from talkwire.models._relay import Found, Relay, Search, Stream


class Fallback:
    """Fits the port `Model`. A server without the first API is remembered while this lives."""

    def __init__(self, first: Endpoint, second: Endpoint) -> None:
        self._first = first
        self._second = second
        self._settled = False

    def stream(self, request: ModelRequest) -> Stream:
        """See `Model.stream`."""
        if self._settled:
            return self._second.stream(request)
        return Relay(self._search(request))

    async def _search(self, request: ModelRequest) -> Search:
        first = self._first.stream(request)
        try:
            opening = await anext(first)
        except NoSuchPath:  # comes before anything is said
            pass
        else:
            yield Found(opening, first)
            return
        second = self._second.stream(request)
        opening = await anext(second)
        self._settled = True
        yield Found(opening, second)

    async def check(self) -> str:
        """See `Model.check`."""
        return await self._first.check()

    async def close(self) -> None:
        """See `Model.close`."""
        await self._first.close()
        await self._second.close()
