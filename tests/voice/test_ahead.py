from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from talkwire.canon.errors import SpeechError
from talkwire.voice.ahead import Bounds, in_order
from tests.engine.fakes import LIMIT_S, steps, until


class Voice:
    """Says each text letter by letter when it is allowed to; a letter lasts a second."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.said: list[str] = []
        self.closed: list[str] = []
        self.may: dict[str, asyncio.Event] = {}

    async def texts(self, *texts: str) -> AsyncGenerator[str, None]:
        for text in texts:
            yield text

    async def say(self, text: str) -> AsyncGenerator[str, None]:
        self.begun.append(text)
        try:
            if text in self.may:
                await self.may[text].wait()
            for letter in text:
                if letter == "!":
                    raise SpeechError("broken")
                self.said.append(letter)
                yield letter
        finally:
            self.closed.append(text)

    def told(
        self, *texts: str, sentences: int = 1, seconds: float = 9
    ) -> AsyncGenerator[str, None]:
        bounds = Bounds(sentences, seconds)
        return in_order(self.texts(*texts), self.say, bounds, lasts=lambda _: 1.0)


async def test_what_is_ready_first_waits_for_its_turn() -> None:
    voice = Voice()
    voice.may = {"abc": asyncio.Event()}
    told = voice.told("abc", "de", "f", sentences=2)
    first = asyncio.ensure_future(anext(told))

    await until(lambda: voice.said == ["d", "e", "f"])
    assert not first.done()
    voice.may["abc"].set()
    assert await first == "a"
    assert "".join([letter async for letter in told]) == "bcdef"


async def test_no_more_sentences_are_begun_than_may_be_ahead() -> None:
    voice = Voice()
    voice.may = {"a": asyncio.Event()}
    told = voice.told("a", "b", "c", "d", sentences=1)
    first = asyncio.ensure_future(anext(told))
    await until(lambda: len(voice.begun) == 2)
    await steps(20)
    assert voice.begun == ["a", "b"]

    voice.may["a"].set()
    await first
    assert "".join([letter async for letter in told]) == "bcd"


async def test_no_more_sound_waits_than_may() -> None:
    voice = Voice()
    voice.may = {"a": asyncio.Event()}
    told = voice.told("a", "bcdefgh", seconds=3)
    first = asyncio.ensure_future(anext(told))
    await until(lambda: len(voice.said) == 3)
    await steps(20)
    assert voice.said == ["b", "c", "d"]

    voice.may["a"].set()
    await first
    assert "".join([letter async for letter in told]) == "bcdefgh"


async def test_an_error_comes_after_what_was_said_before_it() -> None:
    told = Voice().told("ab", "c!", "de")

    assert [await anext(told) for _ in range(3)] == ["a", "b", "c"]
    with pytest.raises(SpeechError, match="broken"):
        await anext(told)


async def test_an_error_of_the_texts_comes_after_all_that_was_said() -> None:
    async def texts() -> AsyncGenerator[str, None]:
        yield "ab"
        raise SpeechError("too long")

    told = in_order(texts(), Voice().say, Bounds(), lasts=lambda _: 1.0)

    assert [await anext(told) for _ in range(2)] == ["a", "b"]
    with pytest.raises(SpeechError, match="too long"):
        await anext(told)


async def test_closing_stops_all_that_is_being_said() -> None:
    voice = Voice()
    voice.may = {"b": asyncio.Event(), "c": asyncio.Event()}
    told = voice.told("a", "b", "c", sentences=2)
    assert await anext(told) == "a"
    await until(lambda: len(voice.begun) == 3)

    async with asyncio.timeout(LIMIT_S):
        await told.aclose()
    assert sorted(voice.closed) == ["a", "b", "c"]
