"""What the SQL journal promises beyond the contract: kill -9, losing, and order."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Connection

from talkwire.canon.errors import Fenced, StorageUnavailable
from talkwire.journals.sql import SqlJournal
from talkwire.stores.nodes import SqlNodes
from talkwire.stores.outcomes import write_outcome
from talkwire.stores.sqlite_database import SqliteDatabase
from talkwire.stores.turns import SqlRecords
from tests.contracts.turn_values import Listener, deltas, new_turn, outcome
from tests.databases import AnyDatabase

T = TypeVar("T")

# Appends one event after the other to three turns and says what it was told is held.
_CHILD = """
import asyncio, sys
from pathlib import Path
from talkwire.canon.events import Stamped, TextDelta
from talkwire.canon.records import NewTurn
from talkwire.canon.turn import TextPart, TurnRequest
from talkwire.journals.sql import SqlJournal
from talkwire.stores.nodes import SqlNodes
from talkwire.stores.outcomes import write_outcome
from talkwire.stores.sqlite_database import SqliteDatabase
from talkwire.stores.turns import SqlRecords

class Tail:
    def __init__(self, turn): self.turn = turn
    def committed(self, until): print(self.turn, until, flush=True)
    def lost(self, error): raise error

async def main():
    database = SqliteDatabase(Path(sys.argv[1]))
    await database.open()
    nodes = SqlNodes(database)
    await nodes.join()
    records, journal = SqlRecords(database, lambda: nodes.node), SqlJournal(database, write_outcome)
    for i in range(3):
        request = TurnRequest(f"s_{i}", "native", (TextPart("Hi"),))
        await records.start(NewTurn(f"t_{i}", "ann", request, 1, "queue", 3, 60))
        journal.attach(f"t_{i}", Tail(f"t_{i}"))
    n = 1
    while True:
        for i in range(3):
            journal.append(f"t_{i}", (Stamped(n, n, TextDelta(str(n))),))
        n += 1
        await asyncio.sleep(0)

asyncio.run(main())
"""


pytestmark = pytest.mark.usefixtures("nodes")  # commits are fenced, as they are in a server


async def test_what_was_told_as_held_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "killed.db"
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _CHILD, str(path), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    told: dict[str, int] = {}
    for _ in range(150):
        turn, until = (await asyncio.wait_for(child.stdout.readline(), 20)).split()
        told[turn.decode()] = int(until)
    child.kill()
    for line in (await child.stdout.read()).splitlines(keepends=True):
        if line.endswith(b"\n"):
            turn, until = line.split()
            told[turn.decode()] = int(until)
    await child.wait()

    database = SqliteDatabase(path)
    await database.open()
    await SqlNodes(database).join()
    found = await SqlRecords(database, lambda: "local").unfinished()
    await database.close()
    assert len(found) == 3
    for each in found:
        numbers = [s.n for s in each.events]
        assert numbers == list(range(len(numbers)))
        assert len(numbers) >= told[each.record.turn_id]


async def test_a_fenced_journal_loses_every_turn_and_stores_nothing(
    database: AnyDatabase, tmp_path: Path
) -> None:
    records, journal = SqlRecords(database, lambda: "local"), SqlJournal(database, write_outcome)
    started = [await records.start(new_turn(f"s_{i}")) for i in range(2)]
    tails = [Listener(), Listener()]
    for turn, tail in zip(started, tails, strict=True):
        journal.attach(turn.record.turn_id, tail)
    newer = SqliteDatabase(tmp_path / "talkwire.db")
    await newer.open()
    await SqlNodes(newer).join()

    journal.append(started[0].record.turn_id, deltas(1, "late"))
    await tails[1].reach(2)
    with pytest.raises(Fenced):
        await journal.finish(outcome(started[1]))

    assert [type(t.error) for t in tails] == [Fenced, Fenced]
    adopted = await SqlRecords(newer, lambda: "local").unfinished()
    assert [len(u.events) for u in adopted] == [1, 1]
    await newer.close()


class _FailingOnce:
    """A database whose next commit fails."""

    def __init__(self, database: AnyDatabase) -> None:
        self._database = database
        self.failing = True

    def submit(
        self, unit: Callable[[Connection], T], *, locks: Sequence[str] = ()
    ) -> asyncio.Future[T]:
        if not self.failing:
            return self._database.submit(unit, locks=locks)
        self.failing = False

        def broken(connection: Connection) -> T:
            unit(connection)
            raise StorageUnavailable("The disk is full.")

        return self._database.submit(broken)

    async def read(self, query: Callable[[Connection], T]) -> T:
        return await self._database.read(query)


async def test_nothing_is_stored_behind_a_gap_but_the_end_is(database: AnyDatabase) -> None:
    records = SqlRecords(database, lambda: "local")
    journal = SqlJournal(_FailingOnce(database), write_outcome)
    started = await records.start(new_turn())
    turn_id = started.record.turn_id
    tail = Listener()
    journal.attach(turn_id, tail)
    journal.append(turn_id, deltas(1, "a"))
    journal.append(turn_id, deltas(2, "b"))
    await tail.reach(2)
    journal.append(turn_id, deltas(3, "c"))

    assert isinstance(tail.error, StorageUnavailable)
    await database.write(lambda _: None)
    assert len(await journal.read(turn_id, 0)) == 1
    await journal.finish(outcome(started, deltas(1, "a", "b", "c")))
    assert tail.until == 5
    assert len(await journal.read(turn_id, 0)) == 5


async def test_without_write_ahead_readers_are_told_too_early(database: AnyDatabase) -> None:
    journal = SqlJournal(database, write_outcome, write_ahead=False)
    tail = Listener()
    journal.attach("t_x", tail)
    journal.append("t_x", deltas(1, "a"))

    assert tail.until == 2


async def test_a_large_group_is_stored_whole(database: AnyDatabase) -> None:
    records, journal = SqlRecords(database, lambda: "local"), SqlJournal(database, write_outcome)
    turns = [(await records.start(new_turn(f"s_{i}"))).record.turn_id for i in range(450)]
    tails = [Listener() for _ in turns]
    for turn, tail in zip(turns, tails, strict=True):
        journal.attach(turn, tail)
        journal.append(turn, deltas(1, "a", "b"))
    for tail in tails:
        await tail.reach(3)

    assert all([len(u.events) == 3 for u in await records.unfinished()])
