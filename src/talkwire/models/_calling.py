"""Calling a model's function: on the loop if it is asynchronous, else in a thread of the model's.

What it says comes in a bounded buffer; what it raises is kept as `Call.failure`. A thread cannot be
stopped: a call that is given up is left alone at its next piece, and keeps its place among the
threads until it has ended.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

from talkwire.models._threads import Threads

AHEAD = 64
"""So many pieces a function may be ahead of who hears them."""

GRACE_S = 2.0
"""How long a coroutine that was cancelled is waited for."""

_left: set[asyncio.Task[Any]] = set()


class Escaped(Exception):
    """Something was raised that would end more than the call; its name."""


class Given(Exception):
    """The function gave something that is no text; the name of its type."""


class _Gone(Exception):
    """Nobody listens any more."""


class Call:
    """One call of a function. Close it."""

    def __init__(self, function: Callable[[], Any], threads: Threads) -> None:
        self._function = function
        self._threads = threads
        self._loop = asyncio.get_running_loop()
        self._said: list[str] = []
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._tickets = threading.Semaphore(AHEAD)
        self._closed = False
        self._begun = False
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(lambda _: self._news.set())

    async def take(self) -> list[str]:
        """The pieces that have come since the last time, at least one; none at the end."""
        while not self._said and not self._task.done():
            self._news.clear()
            await self._news.wait()
        said, self._said = self._said, []
        if said:
            self._room.set()
            self._tickets.release(len(said))
        return said

    @property
    def begun(self) -> bool:
        """The function has been called; until then it waits for a thread."""
        return self._begun

    @property
    def failure(self) -> BaseException | None:
        """What it has raised, at the end."""
        return asyncio.CancelledError() if self._task.cancelled() else self._task.exception()

    @property
    def whole(self) -> str | None:
        """The answer of a function that gave it whole, at the end."""
        return self._task.result()

    async def close(self) -> None:
        """The call is over, or given up."""
        self._closed = True
        self._tickets.release()
        if self._task.done():
            _forgotten(self._task)
        else:
            self._task.cancel()
            _left.add(self._task)
            self._task.add_done_callback(_forgotten)
            await asyncio.wait({self._task}, timeout=GRACE_S)

    async def _run(self) -> str | None:
        try:
            return await self._called()
        except (SystemExit, KeyboardInterrupt) as error:  # would end the server
            raise Escaped(type(error).__name__) from error

    async def _called(self) -> str | None:
        if is_asynchronous(self._function):
            self._begun = True
            value = self._function()
        else:
            value = await self._threads.run(partial(self._in_thread, self._function))
        if inspect.isawaitable(value):
            value = await value
        if isinstance(value, Iterator):
            value = await self._threads.run(partial(self._gone_through, value))
        if isinstance(value, AsyncIterator):
            await self._listen(value)
            return None
        return None if value is _streamed else _text(value)

    async def _listen(self, pieces: AsyncIterator[Any]) -> None:
        try:
            async for piece in pieces:
                await self._put(_text(piece))
        finally:
            if (close := getattr(pieces, "aclose", None)) is not None:
                await close()

    def _in_thread(self, function: Callable[[], Any]) -> Any:
        """What the function gives; an iterator is gone through here and now."""
        self._begun = True
        try:
            value = function()
        except StopIteration as error:  # no future can hold it
            raise Escaped(type(error).__name__) from error
        return self._gone_through(value) if isinstance(value, Iterator) else value

    def _gone_through(self, pieces: Iterator[Any]) -> object:
        try:
            for piece in pieces:
                self._put_from_thread(_text(piece))
        finally:
            if (close := getattr(pieces, "close", None)) is not None:
                close()
        return _streamed

    async def _put(self, piece: str) -> None:
        while len(self._said) >= AHEAD:
            self._room.clear()
            await self._room.wait()
        self._add(piece)

    def _put_from_thread(self, piece: str) -> None:
        self._tickets.acquire()
        if self._closed:
            raise _Gone
        try:
            self._loop.call_soon_threadsafe(self._add, piece)
        except RuntimeError:  # the loop is closed
            raise _Gone from None

    def _add(self, piece: str) -> None:
        self._said.append(piece)
        self._news.set()


_streamed = object()


def is_asynchronous(function: Callable[..., Any]) -> bool:
    """Whether calling it blocks nothing, since it is a coroutine or an asynchronous generator."""
    while isinstance(function, partial):
        function = function.func
    called = getattr(function, "__call__", function)  # noqa: B004 - an object's method is meant
    return any(
        inspect.iscoroutinefunction(each) or inspect.isasyncgenfunction(each)
        for each in (function, called)
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Given(type(value).__name__)
    return value


def _forgotten(task: asyncio.Task[Any]) -> None:
    _left.discard(task)
    if not task.cancelled():
        task.exception()  # nobody else asks for it
