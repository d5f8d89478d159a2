"""The ledger, read: what somebody has spent, and reports. Turns' ends write it (`outcomes`)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    case,
    distinct,
    func,
    literal,
    literal_column,
    select,
    tuple_,
)

from talkwire.canon.budgets import PERIODS, Budget, Payer, Spending, Sum, start
from talkwire.canon.usage import By, UsageAsked, UsagePage, UsageRow
from talkwire.stores.database import Database
from talkwire.stores.schema import api_keys, usage

_DAY_MS = 86_400_000
# Written out, not bound: to PostgreSQL an expression with a value in it is another one each time.
_NOTHING: ColumnElement[str] = literal_column("''")
_GROUPS: dict[By, ColumnElement[Any]] = {
    "day": usage.c.at // literal_column(str(_DAY_MS)),
    "model": func.coalesce(usage.c.model, _NOTHING),
    "key": func.coalesce(usage.c.key_id, _NOTHING),
    "wire": usage.c.wire,
    "user": usage.c.owner,
    "status": usage.c.status,
}
_SUMS = (
    func.count(distinct(usage.c.turn_id)),
    func.coalesce(func.sum(usage.c.input_tokens), 0),
    func.coalesce(func.sum(usage.c.output_tokens), 0),
    func.count(distinct(case((usage.c.estimated, usage.c.turn_id)))),
    func.sum(usage.c.cost),
)
_budget = msgspec.json.Decoder(Budget)


class SqlUsage:
    """What turns have used. Fits the engine's port `Ledger`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._one_report = asyncio.Semaphore(1)

    async def budget(self, key_id: str) -> Budget | None:
        """The budget of an API key; None where it has none, or there is no such key."""
        asked = select(api_keys.c.budget).where(api_keys.c.id == key_id)
        text = await self._database.read(lambda c: c.execute(asked).scalar_one_or_none())
        return None if text is None else _budget.decode(text)

    async def spending(
        self, payer: Payer, *, at: int, since: int, until: int | None = None
    ) -> Spending:
        """What was used in the day and month of `at` and ever, as far as it is not before `since`,
        and before `until`. One query, along the payer's own rows.
        """
        return await self._database.read(lambda c: _spending(c, payer, at, since, until))

    async def report(self, asked: UsageAsked) -> UsagePage:
        """Sums by group, sorted by it, and on the first page the sum of all groups. One at a time:
        reports read much, and turns are not to wait for connections behind them.
        """
        async with self._one_report:
            return await self._database.read(lambda c: _report(c, asked))


def _spending(
    connection: Connection, payer: Payer, at: int, since: int, until: int | None = None
) -> Spending:
    tokens = usage.c.input_tokens + usage.c.output_tokens
    sums = [
        func.coalesce(func.sum(case((usage.c.at >= start(period, at), what))), 0)
        for period in PERIODS
        for what in (tokens, usage.c.cost)
    ]
    whose = usage.c.key_id if payer.kind == "key" else usage.c.owner
    asked = select(*sums).where((whose == payer.id) & (usage.c.at >= since))
    if until is not None:
        asked = asked.where(usage.c.at < until)
    found = connection.execute(asked).one()
    day, month, total = (Sum(int(found[n]), float(found[n + 1])) for n in (0, 2, 4))
    return Spending(at, day, month, total)


def _report(connection: Connection, asked: UsageAsked) -> UsagePage:
    wanted = (usage.c.at >= asked.since) & (usage.c.at < asked.until)
    if asked.user is not None:
        wanted &= usage.c.owner == asked.user
    if asked.key_id is not None:
        wanted &= usage.c.key_id == asked.key_id
    groups = [_GROUPS[name] for name in asked.by]
    page = select(*groups, *_SUMS).where(wanted).group_by(*groups).order_by(*groups)
    if asked.after is not None:
        values = [_stored(name, value) for name, value in zip(asked.by, asked.after, strict=True)]
        page = page.where(tuple_(*groups) > tuple_(*map(literal, values)))
    page = page.limit(asked.limit + 1)
    rows = [_row(asked.by, row) for row in connection.execute(page)]
    total = None
    if asked.after is None:
        total = _row((), connection.execute(select(*_SUMS).where(wanted)).one())
    return UsagePage(tuple(rows[: asked.limit]), total, more=len(rows) > asked.limit)


def _row(by: tuple[By, ...], row: Any) -> UsageRow:
    *group, turns, given, said, estimated, cost = row
    told = tuple(_told(name, value) for name, value in zip(by, group, strict=True))
    return UsageRow(told, turns, int(given), int(said), estimated, cost)


def _told(name: By, value: Any) -> str:
    if name != "day":
        return str(value)
    return f"{datetime.fromtimestamp(value * _DAY_MS // 1000, UTC):%Y-%m-%d}"


def _stored(name: By, value: str) -> Any:
    """The inverse of `_told`. :raises ValueError: it tells no day."""
    if name != "day":
        return value
    day = datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC)
    return int(day.timestamp()) * 1000 // _DAY_MS
