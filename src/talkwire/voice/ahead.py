"""Sentences spoken ahead of their turn: some at the same time, told one after the other."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Generic, TypeVar

from msgspec import Struct

Piece = TypeVar("Piece")


class Bounds(Struct, frozen=True):
    """`sentences` may be spoken ahead of the one that is told, and of each, and of that one too,
    `seconds` of sound may wait.
    """

    sentences: int = 2
    seconds: float = 30.0


async def in_order(
    texts: AsyncIterator[str],
    say: Callable[[str], AsyncGenerator[Piece, None]],
    bounds: Bounds,
    *,
    lasts: Callable[[Piece], float],
) -> AsyncGenerator[Piece, None]:
    """What `say` gives for each text, in the order of the texts. `lasts`: seconds of a piece.

    A text is asked for when there is room for it. Closing the iterator stops all that is being
    said.

    :raises SpeechError: `say` did, once it is that text's turn.
    """
    parts: asyncio.Queue[_Part[Piece] | None] = asyncio.Queue()
    room = asyncio.Semaphore(bounds.sentences + 1)
    tasks: set[asyncio.Task[None]] = set()

    async def take() -> None:
        try:
            await room.acquire()
            async for text in texts:
                part = _Part(say(text), bounds.seconds, lasts)
                tasks.add(part.task)
                parts.put_nowait(part)
                await room.acquire()
        finally:
            parts.put_nowait(None)

    taking = asyncio.create_task(take())
    tasks.add(taking)
    try:
        while (part := await parts.get()) is not None:
            async with aclosing(part.told()) as pieces:
                async for piece in pieces:
                    yield piece
            tasks.discard(part.task)
            room.release()
        await taking
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Part(Generic[Piece]):
    """One text that is being said. What it says is held until somebody wants it."""

    def __init__(
        self, source: AsyncGenerator[Piece, None], most_s: float, lasts: Callable[[Piece], float]
    ) -> None:
        self._held: deque[Piece] = deque()
        self._waiting_s = 0.0
        self._most_s = most_s
        self._lasts = lasts
        self._more, self._room = asyncio.Event(), asyncio.Event()
        self._over = False
        self.task = asyncio.create_task(self._say(source))

    async def _say(self, source: AsyncGenerator[Piece, None]) -> None:
        try:
            async with aclosing(source):
                async for piece in source:
                    self._held.append(piece)
                    self._waiting_s += self._lasts(piece)
                    self._more.set()
                    while self._waiting_s >= self._most_s:
                        self._room.clear()
                        await self._room.wait()
        finally:
            self._over = True
            self._more.set()

    async def told(self) -> AsyncGenerator[Piece, None]:
        """All of it, as it comes. :raises SpeechError: saying it did, after what was said."""
        while True:
            while self._held:
                piece = self._held.popleft()
                self._waiting_s -= self._lasts(piece)
                self._room.set()
                yield piece
            if self._over:
                await self.task
                return
            self._more.clear()
            await self._more.wait()
