"""Nodes on one PostgreSQL: who is dead, who takes over, and who comes back."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from time import monotonic

import pytest
from sqlalchemy import Connection, text

from talkwire.canon.errors import Fenced, StorageUnavailable
from talkwire.journals.sql import SqlJournal
from talkwire.stores.outcomes import write_outcome
from talkwire.stores.postgres_database import PostgresDatabase
from talkwire.stores.postgres_nodes import PostgresNodes
from talkwire.stores.turns import SqlRecords
from talkwire.stores.writing import Unit
from tests.contracts.turn_values import Listener, deltas, new_turn, outcome


class Node:
    """One process's parts. It believes to be steady after no time at all."""

    def __init__(self, url: str, *, dead_after_s: float = 0.0) -> None:
        self.database = PostgresDatabase(url)
        self.nodes = PostgresNodes(self.database, dead_after_s=dead_after_s)
        self.records = SqlRecords(self.database, lambda: self.nodes.node)
        self.journal = SqlJournal(self.database, write_outcome, patience_s=30)


@pytest.fixture
async def trio(postgres_migrated: str) -> AsyncIterator[Sequence[Node]]:
    """Three nodes that have joined; each takes whoever is silent at all for dead."""
    async with AsyncExitStack() as stack:
        made = [Node(postgres_migrated) for _ in range(3)]
        for node in made:
            await node.database.open()
            stack.push_async_callback(node.database.close)
            await node.nodes.join()
        yield made


def _age(connection: Connection, node: str) -> None:
    connection.execute(
        text("UPDATE nodes SET seen_at = seen_at - 60000 WHERE id = :node"), {"node": node}
    )


async def test_each_start_is_a_node_of_its_own(trio: Sequence[Node]) -> None:
    names = {node.nodes.node for node in trio}
    left = trio[0].nodes.node
    await trio[0].nodes.rejoin()

    assert len(names) == 3
    assert trio[0].nodes.node not in names
    assert trio[0].nodes.epoch == 1
    await trio[0].nodes.beat()
    rows = await trio[1].database.read(
        lambda c: c.exec_driver_sql("SELECT id, host, pid, started_at FROM nodes").all()
    )
    assert {row[0] for row in rows} == names | {trio[0].nodes.node}
    assert left in names
    assert all(row[1] and row[2] > 0 and row[3] > 0 for row in rows)


async def test_a_dead_nodes_turns_are_taken_over_by_exactly_one(trio: Sequence[Node]) -> None:
    dead, *living = trio
    for node in living:
        node.nodes._dead_after_s = 30
        node.nodes._steady_since = 0
    started = [await dead.records.start(new_turn(f"s_{i}")) for i in range(20)]
    ended = await dead.records.start(new_turn("s_ended"))
    await dead.journal.finish(outcome(ended))
    await dead.database.write(lambda c: _age(c, dead.nodes.node))

    race = [node.nodes.take_over() for node in living for _ in range(5)]
    taken = await asyncio.gather(*race)

    assert sorted(taken)[-1] == 20
    assert sum(taken) == 20
    found = [await node.records.unfinished() for node in living]
    assert sorted(map(len, found)) == [0, 20]
    adopted = {u.record.turn_id for u in max(found, key=len)}
    assert adopted == {s.record.turn_id for s in started}
    assert await dead.records.unfinished() == []


async def test_who_was_taken_for_dead_appends_nothing_and_comes_back(
    trio: Sequence[Node],
) -> None:
    zombie, other, _ = trio
    started = await zombie.records.start(new_turn())
    turn_id = started.record.turn_id
    tail = Listener()
    zombie.journal.attach(turn_id, tail)
    await zombie.database.write(lambda c: _age(c, zombie.nodes.node))
    other.nodes._dead_after_s = 30
    other.nodes._steady_since = 0
    assert await other.nodes.take_over() == 1

    zombie.journal.append(turn_id, deltas(1, "late"))
    await tail.reach(2)
    late = await asyncio.gather(
        zombie.journal.finish(outcome(started)),
        zombie.records.start(new_turn("s_2")),
        zombie.nodes.beat(),
        return_exceptions=True,
    )
    await zombie.nodes.leave()
    queued = zombie.journal.finish(outcome(started))
    back = asyncio.create_task(zombie.nodes.rejoin())
    results = await asyncio.gather(queued, return_exceptions=True)
    await back

    assert isinstance(tail.error, Fenced)
    assert [type(error) for error in [*late, *results]] == [Fenced] * 4
    (held,) = await other.records.unfinished()
    assert [stamped.n for stamped in held.events] == [0]
    assert (await zombie.records.start(new_turn("s_3"))).fresh
    assert len(await zombie.records.unfinished()) == 1


async def test_nobody_judges_who_has_not_been_steady_itself(trio: Sequence[Node]) -> None:
    dead, judge, _ = trio
    await dead.records.start(new_turn())
    await dead.database.write(lambda c: _age(c, dead.nodes.node))
    judge.nodes._dead_after_s = 30

    assert await judge.nodes.take_over() == 0
    judge.nodes._steady_since = 0
    judge.nodes._beaten = -1  # paused, and just awake again
    await judge.nodes.beat()
    assert await judge.nodes.take_over() == 0
    judge.nodes._steady_since = monotonic() - 15
    assert await judge.nodes.take_over() == 1


async def test_a_failed_beat_begins_the_wait_anew(
    trio: Sequence[Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    dead, judge, _ = trio
    await dead.records.start(new_turn())
    await dead.database.write(lambda c: _age(c, dead.nodes.node))
    judge.nodes._dead_after_s = 30
    judge.nodes._steady_since = monotonic() - 15

    async def away(unit: Unit[int]) -> int:
        raise StorageUnavailable("The database is away.")

    monkeypatch.setattr(judge.database, "write", away)
    with pytest.raises(StorageUnavailable):
        await judge.nodes.beat()
    await judge.nodes.leave()  # cannot be stored, and hinders nobody from going
    monkeypatch.undo()

    assert await judge.nodes.take_over() == 0
    await judge.nodes.beat()
    assert await judge.nodes.take_over() == 0


async def test_a_node_that_leaves_is_followed_at_once(trio: Sequence[Node]) -> None:
    leaving, other, _ = trio
    other.nodes._dead_after_s = 30  # and it has just come itself
    await leaving.records.start(new_turn())
    assert await other.nodes.take_over() == 0
    await leaving.nodes.leave()

    assert await other.nodes.take_over() == 1
    assert await other.nodes.take_over() == 0
    rows = await other.database.read(lambda c: c.exec_driver_sql("SELECT id FROM nodes").all())
    assert len(rows) == 2


async def test_a_take_over_whose_answer_got_lost_is_told_by_the_next(
    trio: Sequence[Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    dead, judge, _ = trio
    judge.nodes._dead_after_s = 30
    judge.nodes._steady_since = 0
    await dead.records.start(new_turn())
    await dead.nodes.leave()
    write = judge.database.write

    async def deaf(unit: Unit[int]) -> int:
        monkeypatch.undo()
        await write(unit)
        raise StorageUnavailable("The connection to the database was lost.")

    monkeypatch.setattr(judge.database, "write", deaf)
    with pytest.raises(StorageUnavailable):
        await judge.nodes.take_over()

    assert await judge.nodes.take_over() == 1
    assert len(await judge.records.unfinished()) == 1
    assert await judge.nodes.take_over() == 0


async def test_a_process_that_is_gone_from_this_machine_is_dead_at_once(
    trio: Sequence[Node],
) -> None:
    dead, heir, _ = trio
    for node in trio:
        node.nodes._dead_after_s = 1000
    await dead.records.start(new_turn())
    assert await heir.nodes.take_over() == 0
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await process.wait()
    name = dead.nodes.node
    moved = text("UPDATE nodes SET pid = :pid WHERE id = :node")

    where = {"pid": process.pid, "node": name}
    await dead.database.write(lambda c: c.execute(moved, where).close())

    assert await heir.nodes.take_over() == 1
    with pytest.raises(Fenced):
        await dead.nodes.beat()


async def test_a_process_of_another_machine_is_not_looked_for_here(trio: Sequence[Node]) -> None:
    away, other, _ = trio
    for node in trio:
        node.nodes._dead_after_s = 1000
    await away.records.start(new_turn())
    name = away.nodes.node
    moved = text("UPDATE nodes SET host = 'elsewhere 0a', pid = 999999999 WHERE id = :node")

    await away.database.write(lambda c: c.execute(moved, {"node": name}).close())

    assert await other.nodes.take_over() == 0
    await away.nodes.beat()
