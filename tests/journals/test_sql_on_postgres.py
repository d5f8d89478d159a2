"""The journal while its PostgreSQL breaks: nothing that was told is lost, nothing is doubled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from itertools import count
from typing import Any

import pytest
from sqlalchemy import Connection

from talkwire.canon.errors import StorageUnavailable
from talkwire.canon.events import Stamped
from talkwire.journals.sql import SqlJournal
from talkwire.stores import postgres as speech
from talkwire.stores.outcomes import write_outcome
from talkwire.stores.postgres_database import PostgresDatabase
from talkwire.stores.postgres_errors import Lost
from talkwire.stores.postgres_nodes import PostgresNodes
from talkwire.stores.turns import SqlRecords
from tests.contracts.turn_values import Listener, deltas, new_turn, outcome
from tests.services.postgres import Postgres

_ROWS = "SELECT first_n, count FROM turn_events ORDER BY first_n"


class Process:
    """A node with one turn."""

    def __init__(self, url: str, *, patience_s: float = 30) -> None:
        self.database = PostgresDatabase(url)
        self.nodes = PostgresNodes(self.database)
        self.records = SqlRecords(self.database, lambda: self.nodes.node)
        self.journal = SqlJournal(self.database, write_outcome, patience_s=patience_s)
        self.tail = Listener()

    async def begin(self) -> str:
        await self.database.open()
        await self.nodes.join()
        self.started = await self.records.start(new_turn())
        turn_id = self.started.record.turn_id
        self.journal.attach(turn_id, self.tail)
        return turn_id

    async def rows(self) -> list[tuple[int, int]]:
        found = await self.database.read(lambda c: c.exec_driver_sql(_ROWS).all())
        return [(first_n, many) for first_n, many in found]


@pytest.fixture
async def process(postgres_migrated: str) -> AsyncIterator[Process]:
    process = Process(postgres_migrated)
    yield process
    await process.database.close()


def _gapless(rows: Sequence[tuple[int, int]]) -> int:
    """How many events the rows hold; each once, in order, from 0."""
    due = 0
    for first_n, many in rows:
        assert first_n == due
        due += many
    return due


async def test_restarts_under_load_lose_and_double_nothing(own_postgres: Postgres) -> None:
    process = Process(own_postgres.create("talkwire"))
    turn_id = await process.begin()
    numbers = count(1)
    said: list[Stamped] = []

    async def say() -> None:
        while True:
            (event,) = deltas(next(numbers), "x")
            said.append(event)
            process.journal.append(turn_id, [event])
            await asyncio.sleep(0.001)

    saying = asyncio.create_task(say())
    for _ in range(3):
        await process.tail.reach(process.tail.until + 30)
        await asyncio.to_thread(own_postgres.restart_immediate)
    await process.tail.reach(process.tail.until + 30)
    saying.cancel()
    await process.tail.reach(len(said) + 1)

    assert process.tail.error is None
    assert _gapless(await process.rows()) == len(said) + 1
    assert (await process.journal.read(turn_id, 1)) == said
    await process.journal.finish(outcome(process.started, said))
    await process.database.close()


@pytest.mark.parametrize("company", [False, True])
async def test_a_commit_whose_answer_got_lost_is_not_repeated(
    process: Process, postgres: Postgres, monkeypatch: pytest.MonkeyPatch, company: bool
) -> None:
    turn_id = await process.begin()
    _lose_the_next_answer(monkeypatch, postgres)
    process.journal.append(turn_id, deltas(1, "a", "b"))
    if company:
        await asyncio.gather(process.database.write(lambda _: None), return_exceptions=True)
    process.journal.append(turn_id, deltas(3, "c"))
    await process.tail.reach(4)

    assert _gapless(await process.rows()) == 4
    assert process.tail.error is None


async def test_an_end_whose_answer_got_lost_may_be_told_again(
    process: Process, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    await process.begin()
    _lose_the_next_answer(monkeypatch, postgres)
    end = outcome(process.started)

    with pytest.raises(StorageUnavailable):
        await process.journal.finish(end)
    await process.journal.finish(end)

    assert process.tail.until == 2
    rows = await process.database.read(
        lambda c: c.exec_driver_sql("SELECT count(*) FROM usage").scalar_one()
    )
    assert rows == 1


async def test_a_flush_that_broke_before_its_commit_is_stored_by_the_next_try(
    process: Process, postgres: Postgres
) -> None:
    turn_id = await process.begin()
    broken: list[int] = []

    def end(connection: Connection) -> None:
        if not broken:
            broken.append(speech.raw(connection).info.backend_pid)
            postgres.execute(f"SELECT pg_terminate_backend({broken[0]}, 5000)")

    process.journal.append(turn_id, deltas(1, "a"))
    with suppress(StorageUnavailable):  # it may be told that its end is not known
        await process.database.write(end)
    await process.tail.reach(2)

    assert _gapless(await process.rows()) == 2


async def test_storage_that_stays_away_ends_the_patience(own_postgres: Postgres) -> None:
    process = Process(own_postgres.create("talkwire"), patience_s=0.5)
    turn_id = await process.begin()
    own_postgres.kill()
    process.journal.append(turn_id, deltas(1, "a"))
    await process.tail.reach(2)

    assert isinstance(process.tail.error, StorageUnavailable)
    await process.database.close()


async def test_who_is_stored_is_told(postgres_migrated: str) -> None:
    process = Process(postgres_migrated)
    told: list[str] = []
    process.journal = SqlJournal(
        process.database, write_outcome, patience_s=30, on_stored=told.extend
    )
    turn_id = await process.begin()
    process.journal.append(turn_id, deltas(1, "a"))
    await process.tail.reach(2)
    assert told == [turn_id]
    await process.journal.finish(outcome(process.started, deltas(1, "a")))

    assert told == [turn_id, turn_id]
    await process.database.close()


def _lose_the_next_answer(monkeypatch: pytest.MonkeyPatch, postgres: Postgres) -> None:
    """The next transaction is stored, and its connection ends before anybody hears of it."""
    whole = speech.transact

    def deaf(connection: Connection, units: Any, **how: Any) -> Any:
        monkeypatch.undo()
        results = whole(connection, units, **how)
        assert [error for _, error in results] == [None] * len(results)
        connection.invalidate()
        raise Lost(unsure=True)

    monkeypatch.setattr(speech, "transact", deaf)
