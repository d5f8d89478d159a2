"""A stream that is looked for, and then stands for itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

import pytest

from talkwire.canon.deltas import Delta, Text
from talkwire.canon.errors import UpstreamUnavailable
from talkwire.models._relay import Found, Relay


class Source:
    """A stream that knows how often it was closed."""

    def __init__(self, *texts: str, fails: bool = False) -> None:
        self.closed = 0
        self._given = self._give(texts, fails)

    async def _give(
        self, texts: Sequence[str], fails: bool
    ) -> AsyncGenerator[Sequence[Delta], None]:
        for text in texts:
            yield [Text(text)]
        if fails:
            raise UpstreamUnavailable("The provider broke off.")

    def __aiter__(self) -> Source:
        return self

    async def __anext__(self) -> Sequence[Delta]:
        return await anext(self._given)

    async def aclose(self) -> None:
        self.closed += 1
        await self._given.aclose()


class Looking:
    """A search that says `told`, then finds `source`, if any; knows when it was over."""

    def __init__(self, source: Source | None, told: Sequence[str] = ()) -> None:
        self.over = False
        self._source = source
        self._told = told

    async def search(self) -> AsyncGenerator[Sequence[Delta] | Found, None]:
        try:
            for text in self._told:
                yield [Text(text)]
            if self._source is None:
                raise UpstreamUnavailable("Nobody answers.")
            yield Found(await anext(self._source), self._source)
            raise AssertionError("nothing is searched for once it is found")
        finally:
            self.over = True


async def said(relay: Relay) -> list[str]:
    heard = [delta async for deltas in relay for delta in deltas]
    return [delta.text for delta in heard if isinstance(delta, Text)]


async def test_what_the_search_tells_comes_first_and_nothing_of_the_source_is_lost() -> None:
    source = Source("a", "b", "c")
    relay = Relay(Looking(source, ["trying ", "again "]).search())

    assert await said(relay) == ["trying ", "again ", "a", "b", "c"]


async def test_the_search_is_over_as_soon_as_the_source_is_found() -> None:
    source = Source("a", "b")
    looking = Looking(source)
    relay = Relay(looking.search())

    assert await anext(relay) == [Text("a")]
    assert looking.over
    assert source.closed == 0


async def test_closing_closes_the_source_that_was_found() -> None:
    source = Source("a", "b")
    relay = Relay(Looking(source).search())
    await anext(relay)
    await relay.aclose()

    assert source.closed == 1
    with pytest.raises(StopAsyncIteration):
        await anext(relay)


async def test_closing_before_anything_was_found_ends_the_search() -> None:
    looking = Looking(Source("a"), ["trying "])
    relay = Relay(looking.search())
    await anext(relay)
    await relay.aclose()

    assert looking.over


async def test_errors_of_the_search_and_of_the_source_are_seen() -> None:
    with pytest.raises(UpstreamUnavailable, match="Nobody answers"):
        await anext(Relay(Looking(None).search()))

    relay = Relay(Looking(Source("a", fails=True)).search())
    await anext(relay)
    with pytest.raises(UpstreamUnavailable, match="broke off"):
        await anext(relay)
