"""What the ledger holds and adds up, on both databases."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from talkwire.canon.budgets import Budget, Payer, Spending, Sum, start
from talkwire.canon.keys import NewKey
from talkwire.canon.records import Usage
from talkwire.canon.usage import By, UsageAsked, UsagePage, UsageRow
from talkwire.stores.keys import SqlKeys
from talkwire.stores.outcomes import write_outcome
from talkwire.stores.turns import SqlRecords
from talkwire.stores.usage import SqlUsage
from tests.contracts.turn_values import new_turn, outcome
from tests.databases import AnyDatabase

DAY_MS = 86_400_000
AT = int(datetime(2026, 3, 17, 9, tzinfo=UTC).timestamp() * 1000)
ALL = UsageAsked(0, AT + 100 * DAY_MS, ("day",))


@pytest.fixture
def ledger(database: AnyDatabase) -> SqlUsage:
    return SqlUsage(database)


class Turns:
    """Ends turns: each call stores one with its ledger rows."""

    def __init__(self, database: AnyDatabase, records: SqlRecords) -> None:
        self.database = database
        self.records = records

    async def end(
        self,
        at: int,
        by_model: dict[str | None, Usage],
        *,
        owner: str = "ann",
        key_id: str | None = None,
        **more: Any,
    ) -> str:
        new = new_turn(f"s_{owner}", owner=owner, key_id=key_id, on_busy="interrupt", max_waiting=9)
        end = outcome(await self.records.start(new), at=at)
        end = replace(end, by_model=by_model, **more)
        assert await self.database.write(lambda c: write_outcome(c, end))
        return new.turn_id


@pytest.fixture
def turns(database: AnyDatabase, records: SqlRecords) -> Turns:
    return Turns(database, records)


async def told(ledger: SqlUsage, *by: By, **more: Any) -> dict[tuple[str, ...], tuple[Any, ...]]:
    page = await ledger.report(replace(ALL, by=by, **more))
    return {
        row.group: (row.turns, row.input_tokens, row.output_tokens, row.estimated, row.cost)
        for row in page.rows
    }


async def total_of(ledger: SqlUsage, **more: Any) -> UsageRow:
    total = (await ledger.report(replace(ALL, **more))).total
    assert total is not None
    return total


async def test_each_model_of_a_turn_has_a_row_with_its_key(turns: Turns, ledger: SqlUsage) -> None:
    failed, took_over = Usage(0, 0), Usage(7, 5, estimated=True, cost=0.25)
    turn_id = await turns.end(AT, {"small": failed, "large": took_over}, key_id="k1")

    assert (await turns.records.turn("ann", turn_id)).key_id == "k1"
    assert await told(ledger, "model", "key", "wire", "user", "status") == {
        ("large", "k1", "native", "ann", "completed"): (1, 7, 5, 1, 0.25),
        ("small", "k1", "native", "ann", "completed"): (1, 0, 0, 0, None),
    }
    total = await total_of(ledger)
    assert (total.turns, total.total_tokens, total.estimated, total.cost) == (1, 12, 1, 0.25)


async def test_a_turn_that_had_no_model_and_no_key_counts_too(
    turns: Turns, ledger: SqlUsage
) -> None:
    await turns.end(AT, {None: Usage()})

    assert await told(ledger, "model", "key") == {("", ""): (1, 0, 0, 0, None)}


async def test_a_key_that_takes_a_turn_over_after_a_crash_is_the_one_that_asked(
    turns: Turns,
) -> None:
    await turns.records.start(new_turn(key_id="k1"))

    (left,) = await turns.records.unfinished()

    assert left.record.key_id == "k1"


async def test_what_a_turn_has_used_is_stored_once(
    turns: Turns, ledger: SqlUsage, database: AnyDatabase
) -> None:
    end = outcome(await turns.records.start(new_turn()), at=AT)
    end = replace(end, by_model={"a": Usage(1, 1), "b": Usage(2, 2)})
    race = [database.write(lambda c: write_outcome(c, end)) for _ in range(5)]

    assert sorted(await asyncio.gather(*race)) == [False] * 4 + [True]
    assert (await total_of(ledger)).total_tokens == 6


async def test_spending_is_that_of_the_day_the_month_and_ever(
    turns: Turns, ledger: SqlUsage
) -> None:
    for days, tokens in ((0, 1), (1, 10), (20, 100), (400, 1000)):
        at, cost = AT - days * DAY_MS, tokens / 10
        await turns.end(at, {"a": Usage(tokens, tokens, cost=cost), "b": Usage()}, key_id="k1")
        await turns.end(AT - days * DAY_MS, {"a": Usage(5, 5)}, key_id="k2")
        await turns.end(AT - days * DAY_MS, {"a": Usage(7, 7)}, owner="bob")

    key, user = Payer("key", "k1"), Payer("user", "bob")
    assert await ledger.spending(key, at=AT, since=0) == Spending(
        AT, Sum(2, 0.1), Sum(22, 1.1), Sum(2222, 111.1)
    )
    assert await ledger.spending(user, at=AT, since=0) == Spending(
        AT, Sum(14, 0.0), Sum(28, 0.0), Sum(56, 0.0)
    )
    short = await ledger.spending(key, at=AT, since=start("day", AT))
    assert (short.day, short.month, short.total) == (Sum(2, 0.1),) * 3
    before = await ledger.spending(key, at=AT, since=0, until=start("day", AT))
    assert (before.day, before.month, before.total.tokens) == (Sum(), Sum(20, 1.0), 2220)
    assert await ledger.spending(Payer("key", "none"), at=AT, since=0) == Spending(AT)


async def test_the_first_and_the_last_moment_of_a_day_are_in_it(
    turns: Turns, ledger: SqlUsage
) -> None:
    today = start("day", AT)
    for at in (today - 1, today, today + DAY_MS - 1, today + DAY_MS):
        await turns.end(at, {"a": Usage(1, 0)})

    assert [day for day, *_ in await told(ledger, "day")] == [
        "2026-03-16",
        "2026-03-17",
        "2026-03-18",
    ]
    assert (await told(ledger, "day"))[("2026-03-17",)][0] == 2
    one = await told(ledger, "day", since=today, until=today + DAY_MS)
    assert list(one) == [("2026-03-17",)]


async def test_sums_are_of_those_who_are_asked_for(turns: Turns, ledger: SqlUsage) -> None:
    await turns.end(AT, {"a": Usage(1, 0)}, key_id="k1")
    await turns.end(AT, {"a": Usage(2, 0)}, key_id="k2")
    await turns.end(AT, {"a": Usage(4, 0)}, owner="bob", key_id="k3")

    assert [row[1] for row in (await told(ledger, "user")).values()] == [3, 4]
    assert [row[1] for row in (await told(ledger, "user", user="ann")).values()] == [3]
    assert [row[1] for row in (await told(ledger, "user", key_id="k2")).values()] == [2]
    assert await told(ledger, "user", user="ann", key_id="k3") == {}
    empty = await total_of(ledger, user="nobody")
    assert (empty.turns, empty.total_tokens, empty.cost) == (0, 0, None)


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 1000])
async def test_pages_are_all_of_it_once_and_their_totals_are_of_the_whole(
    turns: Turns, ledger: SqlUsage, limit: int
) -> None:
    dice = random.Random(4)
    names = ["a", "b", None, "=a", "模型"]
    for _ in range(12):
        by_model = {dice.choice(names): Usage(dice.randrange(9), dice.randrange(9))}
        key_id = dice.choice(["k1", None])
        await turns.end(AT - dice.randrange(3) * DAY_MS, by_model, key_id=key_id)
    by: tuple[By, ...] = ("day", "model", "key")
    asked = replace(ALL, by=by, limit=1000)
    whole = await ledger.report(asked)

    pages: list[UsagePage] = []
    while not pages or pages[-1].more:
        after = pages[-1].rows[-1].group if pages else None
        pages.append(await ledger.report(replace(asked, limit=limit, after=after)))

    assert [row for page in pages for row in page.rows] == list(whole.rows)
    assert [page.total for page in pages] == [whole.total, *[None] * (len(pages) - 1)]
    assert whole.total is not None
    assert sum(row.turns for row in whole.rows) == whole.total.turns == 12


async def test_every_grouping_can_be_asked_for_alone_and_together(
    turns: Turns, ledger: SqlUsage
) -> None:
    await turns.end(AT, {"a": Usage(3, 4)}, key_id="k1")
    every = get_args(By)

    for by in [*((each,) for each in every), every]:
        (row,) = (await ledger.report(replace(ALL, by=by))).rows
        assert (len(row.group), row.total_tokens) == (len(by), 7)


async def test_a_budget_is_its_keys(database: AnyDatabase, ledger: SqlUsage) -> None:
    keys = SqlKeys(database)
    budget = Budget(day=100, cost_month=2.5)
    bounded, _ = await keys.create(NewKey("bounded", budget=budget))
    free, text = await keys.create(NewKey("free", budget=Budget()))

    assert await ledger.budget(bounded.id) == budget
    assert [await ledger.budget(key) for key in (free.id, "none")] == [None, None]
    assert [key.budget for key in await keys.list()] == [budget, None]
    assert await keys.find(text) == free == replace(free, budget=None)
