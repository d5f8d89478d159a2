"""A ledger over the outcomes that fake records hold."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from talkwire.canon.budgets import PERIODS, Budget, Payer, Spending, Sum, start
from talkwire.canon.errors import StorageUnavailable
from tests.engine.storage import FakeRecords


class FakeLedger:
    """`before` was spent by others, now and here; while `gate` is given, reading waits for it."""

    def __init__(self, records: FakeRecords, keys: Mapping[str, Budget] | None = None) -> None:
        self.records = records
        self.keys = dict(keys or {})
        self.before = Sum()
        self.reads = 0
        self.spans: list[tuple[int, int | None]] = []
        self.asked_keys: list[str] = []
        self.away = False
        self.gate: asyncio.Event | None = None

    async def budget(self, key_id: str) -> Budget | None:
        self.asked_keys.append(key_id)
        return self.keys.get(key_id)

    async def spending(
        self, payer: Payer, *, at: int, since: int, until: int | None = None
    ) -> Spending:
        self.reads += 1
        self.spans.append((since, until))
        if self.away:
            raise StorageUnavailable("away")
        sums = dict.fromkeys(PERIODS, self.before if until is None else Sum())
        for outcome in self.records.outcomes.values():
            whose = outcome.key_id if payer.kind == "key" else outcome.owner
            ended = outcome.ended_at
            if whose != payer.id or ended < since or (until is not None and ended >= until):
                continue
            usage = outcome.usage
            used = Sum(usage.input_tokens + usage.output_tokens, usage.cost or 0.0)
            for period in PERIODS:
                if outcome.ended_at >= start(period, at):
                    sums[period] = sums[period].plus(used)
        if self.gate is not None:
            await self.gate.wait()
        return Spending(at, sums["day"], sums["month"], sums["total"])
