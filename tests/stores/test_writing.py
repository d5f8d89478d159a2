"""The queue before a database: order, groups, and the way back to the caller."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection

from talkwire.canon.errors import StorageUnavailable
from talkwire.stores.writing import Job, Result, Writing


def _is(number: int, _connection: Connection) -> int:
    return number


class Noted(Writing):
    """Stores nothing: notes its groups, the first of which waits."""

    def __init__(self) -> None:
        super().__init__(spacing_s=0, fence=True)
        self.groups: list[list[Job]] = []
        self.begun = threading.Event()
        self.go_on = threading.Event()

    def open(self) -> None:
        self._begin(self._store)

    async def close(self) -> None:
        self.go_on.set()
        await self._finish()

    def _store(self, jobs: list[Job]) -> list[Result]:
        self.groups.append(jobs)
        self.begun.set()
        self.go_on.wait(10)
        nothing: Any = None
        return [(job.unit(nothing), None) for job in jobs]


@pytest.fixture
async def writing() -> AsyncIterator[Noted]:
    noted = Noted()
    noted.open()
    yield noted
    await noted.close()


async def test_what_comes_while_the_writer_is_busy_is_one_group(writing: Noted) -> None:
    first = writing.submit(lambda _: 0)
    await asyncio.to_thread(writing.begun.wait, 10)
    later = [writing.submit(partial(_is, i), locks=[f"l{i}"]) for i in range(1, 6)]
    writing.go_on.set()

    assert await asyncio.gather(first, *later) == list(range(6))
    assert [len(jobs) for jobs in writing.groups] == [1, 5]
    assert [job.locks for job in writing.groups[1]] == [[f"l{i}"] for i in range(1, 6)]


async def test_a_unit_keeps_the_guard_under_which_it_came(writing: Noted) -> None:
    before = writing.submit(lambda _: 0)
    writing.guard("n", 1)
    after = writing.submit(lambda _: 0)
    writing.go_on.set()
    await asyncio.gather(before, after)

    jobs = [job for group in writing.groups for job in group]
    assert [job.guard for job in jobs] == [None, ("n", 1)]


async def test_who_gives_up_waiting_does_not_disturb_the_others(writing: Noted) -> None:
    given_up, waiting = writing.submit(lambda _: 0), writing.submit(lambda _: 1)
    given_up.cancel()
    writing.go_on.set()

    assert await waiting == 1


async def test_nothing_is_taken_before_the_beginning_and_after_the_end() -> None:
    noted = Noted()
    with pytest.raises(StorageUnavailable):
        await noted.write(lambda _: 0)
    noted.open()
    last = noted.submit(lambda _: 0)
    await noted.close()

    assert await last == 0
    with pytest.raises(StorageUnavailable):
        await noted.write(lambda _: 0)
