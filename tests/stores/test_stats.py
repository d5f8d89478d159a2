"""Sums over sessions, held against a count by hand; on both databases."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import event, select, update

from talkwire.canon.errors import NotFound
from talkwire.canon.records import Usage
from talkwire.canon.sessions import SessionStats, Whose
from talkwire.stores.outcomes import write_outcome
from talkwire.stores.schema import messages, sessions, turns
from talkwire.stores.stats import stats
from talkwire.stores.turns import SqlRecords
from tests.contracts.turn_values import NOW, new_turn, outcome
from tests.databases import AnyDatabase


def _recount(connection: Any, meant: Any) -> dict[str, Any]:
    """The same figures from the raw rows, in plain Python."""
    rows = [row._asdict() for row in connection.execute(select(sessions)) if meant(row)]
    names = {(row["owner"], row["id"]) for row in rows}
    asked = [t for t in connection.execute(select(turns)) if (t.owner, t.session_id) in names]
    said = [m for m in connection.execute(select(messages)) if (m.owner, m.session_id) in names]
    took = sorted(t.ended_at - t.created_at for t in asked if t.status == "completed")
    costs = [t.cost for t in asked if t.cost is not None]
    statuses = ("queued", "running", "completed", "failed", "aborted")
    return {
        "sessions": len(rows),
        "messages": len(said),
        "turns": {s: sum(t.status == s for t in asked) for s in statuses},
        "input_tokens": sum(t.input_tokens or 0 for t in asked),
        "output_tokens": sum(t.output_tokens or 0 for t in asked),
        "cost": pytest.approx(sum(costs)) if costs else None,
        "first_at": min((r["created_at"] for r in rows), default=None),
        "last_at": max((r["updated_at"] for r in rows), default=None),
        "average_ms": pytest.approx(sum(took) / len(took)) if took else None,
        "p95_ms": took[math.ceil(len(took) * 95 / 100) - 1] if took else None,
        "voice_ms": sum(t.voice_ms or 0 for t in asked),
    }


def _figures(told: SessionStats) -> dict[str, Any]:
    return {name: getattr(told, name) for name in told.__struct_fields__}


@pytest.mark.parametrize("seed", [1, 2])
async def test_they_equal_a_recount_over_a_random_history(
    database: AnyDatabase, records: SqlRecords, seed: int
) -> None:
    dice = random.Random(seed)
    for _ in range(45):
        owner = dice.choice(["ann", "ann", "bob"])
        new = new_turn(f"s{dice.randrange(6)}", owner=owner, on_busy="interrupt", max_waiting=99)
        started = await records.start(new)
        if dice.random() < 0.1:
            continue
        used = Usage(dice.randrange(99), dice.randrange(99), cost=dice.choice([None, 0.25]))
        status = dice.choice(["completed", "completed", "failed", "aborted"])
        end = outcome(started, at=NOW + dice.randrange(5000))
        end = replace(end, usage=used, status=status, voice_ms=dice.choice([0, 700]))
        assert await database.write(partial(write_outcome, outcome=end))
    label = update(sessions).where(sessions.c.id.in_(["s1", "s2"])).values(user_label="u1")
    await database.write(lambda c: c.execute(label).close())
    meant: dict[Whose, Callable[[Any], bool]] = {
        Whose("ann"): lambda r: r.owner == "ann",
        Whose("ann", "u1"): lambda r: r.owner == "ann" and r.user_label == "u1",
        Whose(None, "u1"): lambda r: r.user_label == "u1",
        Whose(None, "bob"): lambda r: r.owner == "bob",
    }

    for whose, rows in meant.items():
        told = await database.read(partial(stats, whose=whose))
        assert _figures(told) == await database.read(partial(_recount, meant=rows))
        assert told.turns["completed"] > 0


async def test_who_has_no_session_is_unknown_but_to_themselves(database: AnyDatabase) -> None:
    nothing = await database.read(lambda c: stats(c, Whose("ann")))

    assert (nothing.sessions, nothing.cost, nothing.p95_ms) == (0, None, None)
    for whose in (Whose("ann", "u1"), Whose(None, "u1")):
        with pytest.raises(NotFound):
            await database.read(partial(stats, whose=whose))


async def test_it_is_one_statement_that_reads_no_rows_of_others(database: AnyDatabase) -> None:
    asked: list[tuple[str, Any]] = []

    def counted(connection: Any) -> list[str]:
        def before(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            asked.append((statement, parameters))

        event.listen(connection, "before_cursor_execute", before)
        stats(connection, Whose("ann"))
        event.remove(connection, "before_cursor_execute", before)
        if database.partitioned:
            return []
        driver = connection.connection.dbapi_connection
        plan = driver.execute(f"EXPLAIN QUERY PLAN {asked[0][0]}", asked[0][1])
        return [row[3] for row in plan]

    plan = await database.read(counted)

    assert len(asked) == 1
    for table in ("turns", "messages", "sessions"):
        assert not any(line.startswith(f"SCAN {table}") for line in plan), plan
