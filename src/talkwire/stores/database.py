"""A database as stores and journal see it; SQLite and PostgreSQL fit it by shape.

A unit is a plain function of a connection, run in a thread: in `write` as part of a transaction
with others, in `read` on one consistent snapshot. No connection is held between calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from talkwire.stores.writing import Timed

T = TypeVar("T")
Unit = Callable[[Connection], T]


class Database(Protocol):
    """What is promised is told by `writing.Writing`, which both have.

    `partitioned` tells that hot events lie in partitions by time, which go as a whole.
    """

    partitioned: bool
    crowd: Callable[[], int | None]
    timed: Timed

    @property
    def queued(self) -> int: ...
    def pool(self) -> dict[str, int]: ...

    async def open(self) -> None: ...
    async def close(self) -> None: ...
    def guard(self, node: str, epoch: int) -> None: ...
    def submit(self, unit: Unit[T], *, locks: Sequence[str] = ()) -> asyncio.Future[T]: ...
    async def write(self, unit: Unit[T], *, locks: Sequence[str] = ()) -> T: ...
    async def read(self, query: Unit[T]) -> T: ...

    async def apart(self, unit: Unit[T]) -> T:
        """Run a unit in a transaction of its own, beside the writer and without its fence, where
        the database can; elsewhere as `write`."""
        ...
