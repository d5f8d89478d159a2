"""Sums of the ledger are found along its indexes, however much of it is others'.

What they add up to is proved in `tests/contracts/test_ledger.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert

from talkwire.canon.budgets import Payer
from talkwire.canon.usage import UsageAsked
from talkwire.stores.schema import usage
from talkwire.stores.usage import SqlUsage, _report, _spending
from tests.databases import AnyDatabase

NOW = 1_790_000_000_000
ROWS = 6_000


def _fill(connection: Connection) -> None:
    rows = [
        {
            "turn_id": f"t_{k}",
            "owner": f"user {k % 200}",
            "session_id": "s",
            "model": "m",
            "wire": "native",
            "status": "completed",
            "input_tokens": 1,
            "output_tokens": 2,
            "estimated": False,
            "cost": 0.5,
            "at": NOW + k,
            "key_id": f"k{k % 200}" if k % 2 else None,
        }
        for k in range(ROWS)
    ]
    for first in range(0, ROWS, 2000):
        connection.execute(insert(usage), rows[first : first + 2000])
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("ANALYZE usage")


def _explained(connection: Connection, work: Callable[[Connection], Any]) -> str:
    """How the database goes about the statements of some work."""
    found: list[str] = []

    def note(_: Any, cursor: Any, statement: str, parameters: Any, *__: Any) -> None:
        prefix = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
        other = connection.connection.cursor()
        other.execute(prefix + statement, parameters)
        found.extend(str(row) for row in other.fetchall())

    event.listen(connection, "before_cursor_execute", note)
    try:
        work(connection)
    finally:
        event.remove(connection, "before_cursor_execute", note)
    return "\n".join(found)


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        (Payer("key", "k1"), "ix_usage_key"),
        (Payer("user", "user 7"), "ix_usage_owner"),
        (UsageAsked(NOW, NOW + 50, ("day",)), "ix_usage_at"),
        (UsageAsked(NOW, NOW + ROWS, ("model",), user="user 7"), "ix_usage_owner"),
        (UsageAsked(NOW, NOW + ROWS, ("model",), key_id="k1"), "ix_usage_key"),
    ],
)
async def test_sums_are_found_along_an_index(
    either: AnyDatabase, asked: Payer | UsageAsked, index: str
) -> None:
    await either.write(_fill)

    def work(connection: Connection) -> None:
        if isinstance(asked, Payer):
            _spending(connection, asked, NOW, NOW)
        else:
            _report(connection, asked)

    assert index in await either.read(lambda c: _explained(c, work))


@pytest.mark.parametrize("payer", [Payer("key", "k1"), Payer("user", "user 7")])
async def test_what_a_budget_adds_up_is_all_in_the_index(either: AnyDatabase, payer: Payer) -> None:
    await either.write(_fill)

    def work(connection: Connection) -> str:
        if connection.dialect.name == "postgresql":  # it may read the table until it is vacuumed
            connection.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
        return _explained(connection, lambda c: _spending(c, payer, NOW, NOW))

    plan = await either.read(work)

    assert "COVERING INDEX" in plan or "Index Only Scan" in plan


async def test_reports_are_made_one_after_another(
    either: AnyDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, most = 0, 0

    async def read(query: Callable[[Connection], Any]) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1

    monkeypatch.setattr(either, "read", read)
    ledger = SqlUsage(either)

    await asyncio.gather(*(ledger.report(UsageAsked(0, 1, ("day",))) for _ in range(5)))

    assert most == 1


async def test_a_key_with_much_behind_it_is_added_up_as_a_whole(either: AnyDatabase) -> None:
    await either.write(_fill)

    spent = await SqlUsage(either).spending(Payer("key", "k1"), at=NOW, since=0)

    assert (spent.total.tokens, spent.total.cost) == (3 * ROWS // 200, 0.5 * ROWS / 200)
