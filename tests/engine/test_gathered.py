"""Reads that gather: one query for all, each with what it asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from talkwire.canon.errors import StorageUnavailable
from talkwire.canon.events import Stamped, TextDelta
from talkwire.engine.gathered import Gathered
from tests.engine.fakes import LIMIT_S, until
from tests.engine.storage import FakeJournal, FakeRecords

EVENTS = [Stamped(n, 1, TextDelta(str(n))) for n in range(5)]


class Journal(FakeJournal):
    """Holds five events of every turn; `asked` are the queries, `fails` what they raise."""

    def __init__(self) -> None:
        super().__init__(FakeRecords())
        self.asked: list[dict[str, int]] = []
        self.fails: list[Exception] = []
        self.gate: asyncio.Event | None = None

    async def read_many(self, wanted: Mapping[str, int]) -> dict[str, list[Stamped]]:
        self.asked.append(dict(wanted))
        if self.gate is not None:
            await self.gate.wait()
        if self.fails:
            raise self.fails.pop()
        return {turn_id: EVENTS[start:] for turn_id, start in wanted.items()}


async def test_what_is_asked_for_together_is_one_query() -> None:
    journal = Journal()
    reads = Gathered(journal)

    async with asyncio.timeout(LIMIT_S):
        found = await asyncio.gather(reads.read("a", 3), reads.read("b", 0), reads.read("a", 1))

    assert list(found) == [EVENTS[3:], EVENTS, EVENTS[1:]]
    assert journal.asked == [{"a": 1, "b": 0}]


async def test_who_comes_while_a_query_runs_is_in_the_next() -> None:
    journal = Journal()
    journal.gate = asyncio.Event()
    reads = Gathered(journal)
    first = asyncio.create_task(reads.read("a", 0))
    await until(lambda: journal.asked)
    second = asyncio.create_task(reads.read("b", 4))
    await asyncio.sleep(0)
    assert len(journal.asked) == 1

    journal.gate.set()

    async with asyncio.timeout(LIMIT_S):
        assert await first == EVENTS
        assert await second == EVENTS[4:]
    assert journal.asked == [{"a": 0}, {"b": 4}]


async def test_a_failure_is_told_to_all_and_the_next_query_is_tried() -> None:
    journal = Journal()
    journal.fails.append(StorageUnavailable("away"))
    reads = Gathered(journal)

    both = await asyncio.gather(reads.read("a", 0), reads.read("b", 0), return_exceptions=True)

    assert [type(each) for each in both] == [StorageUnavailable] * 2
    async with asyncio.timeout(LIMIT_S):
        assert await reads.read("a", 4) == EVENTS[4:]


async def test_who_has_gone_is_not_read_for() -> None:
    journal = Journal()
    reads = Gathered(journal)
    leaving = asyncio.create_task(reads.read("a", 0))
    staying = asyncio.create_task(reads.read("b", 0))
    await asyncio.sleep(0)
    leaving.cancel()

    async with asyncio.timeout(LIMIT_S):
        assert await staying == EVENTS
    assert journal.asked == [{"b": 0}]
    with pytest.raises(asyncio.CancelledError):
        await leaving
