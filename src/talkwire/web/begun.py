"""Coroutines that are run at once, as far as they go without waiting.

Sending a frame waits only for a client that does not read; for all others no task need be woken.
(Python 3.12 has tasks that begin so; 3.11 is served too, and a task is more than is needed.)
"""

from __future__ import annotations

from collections.abc import Awaitable, Generator
from typing import Any


def begin(work: Awaitable[object]) -> Begun | None:
    """Run up to the first real wait; None when it is done already.

    :raises Exception: what the work raised before it waited.
    """
    rest = work.__await__()
    try:
        waits_for = next(rest)
    except StopIteration:
        return None
    return Begun(waits_for, rest)


class Begun:
    """Work that waits for something: await it, in a task and once, and it goes on."""

    __slots__ = ("_rest", "_waits_for")

    def __init__(self, waits_for: object, rest: Generator[Any, Any, object]) -> None:
        self._waits_for = waits_for
        self._rest = rest

    def __await__(self) -> Generator[Any, Any, None]:
        try:
            yield self._waits_for
        except BaseException as error:
            try:
                waits_for = self._rest.throw(error)  # raises it again, unless the work catches it
            except StopIteration:
                return
            yield waits_for
        yield from self._rest
