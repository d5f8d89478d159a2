"""Who may use how much: budgets of keys and of users against what the ledger says was used.

Sums are read from the ledger and kept for a moment; what turns of this process use is known at
once. What other nodes have charged is seen a moment later, what is under way there not at all.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from talkwire.canon.budgets import Budget, Payer, Spending, Sum, start
from talkwire.canon.errors import StorageUnavailable
from talkwire.canon.fold import TurnState
from talkwire.engine.live import now_ms
from talkwire.engine.metering import Left, Meter, exceeded
from talkwire.engine.storage_ports import Ledger

EVERYBODY = "*"
"""Stands for each user who has no budget of their own name."""

FRESH_S = 2.0
"""How long a sum is kept that was read from the ledger."""

_TRIES = 3  # so often a doubtful sum is read again
_LATE_MS = 600_000  # so long after midnight an end of the day before may still be stored
_MOST = 10_000  # payers that are remembered; more are only while turns of theirs run


class Account:
    """One budget, and what is spent of it as far as this process knows. Made by `Budgets`."""

    def __init__(
        self, payer: Payer, budget: Budget, ledger: Ledger, clock: Callable[[], int]
    ) -> None:
        self.payer = payer
        self.under_way: set[Meter] = set()
        self._budget = budget
        self._ledger = ledger
        self._clock = clock
        self._spending = Spending(0)
        self._before: Spending | None = None  # all days but the one that it was read on
        self._read_at = -math.inf
        self._meanwhile = Sum()  # was charged while the ledger was read
        self._doubtful = False  # what was read may have a turn that is counted here too
        self._tokens = 0  # are used by what is under way, and what that costs
        self._cost = 0.0
        self._reading = asyncio.Lock()

    async def look(self, *, for_certain: bool = False) -> None:
        """Read the ledger, unless that was a moment ago; `for_certain` also then, where a turn may
        have been counted twice.

        :raises StorageUnavailable: it cannot be read.
        """
        async with self._reading:  # of many who come at once, one reads
            for _ in range(_TRIES if for_certain else 1):
                fresh = time.monotonic() - self._read_at < FRESH_S
                if fresh and not (for_certain and self._doubtful):
                    return
                now, self._meanwhile = self._clock(), Sum()
                read = await self._read(now)
                self._read_at = time.monotonic()
                self._spending = read.plus(self._meanwhile, now)
                # Those whose end is being stored may be in it, though they are charged later.
                ending = any(meter.ending for meter in self.under_way)
                self._doubtful = ending or self._meanwhile != Sum()

    async def _read(self, now: int) -> Spending:
        """What the ledger has. What was used before today is read once a day."""
        ask, today, since = self._ledger.spending, start("day", now), self._budget.since(now)
        if since >= today or now < today + _LATE_MS:
            return await ask(self.payer, at=now, since=since)
        if self._before is None or self._before.at < today:
            self._before = await ask(self.payer, at=now, since=since, until=today)
        fresh, before = await ask(self.payer, at=now, since=today), self._before
        month, total = fresh.month.plus(before.month), fresh.total.plus(before.total)
        return Spending(now, fresh.day, month, total)

    def left(self) -> list[Left]:
        """See the port in `metering`."""
        if not self.under_way:  # no trace is left of costs that were added and taken off again
            self._tokens, self._cost = 0, 0.0
        now, used, found = self._clock(), Sum(self._tokens, self._cost), []
        for period, tokens, cost in self._budget.limits():
            spent = self._spending.of(period, now)
            tokens_left = math.inf if tokens is None else tokens - spent.tokens - used.tokens
            cost_left = math.inf if cost is None else cost - spent.cost - used.cost
            found.append(Left(self.payer, period, tokens_left, cost_left))
        return found

    def use(self, tokens: int, cost: float) -> None:
        """See the port in `metering`."""
        self._tokens += tokens
        self._cost += cost

    def charge(self, used: Sum) -> None:
        """See the port in `metering`."""
        self._spending = self._spending.plus(used, self._clock())
        if self._reading.locked():
            self._meanwhile = self._meanwhile.plus(used)

    @property
    def spent(self) -> float:
        """See the port in `metering`."""
        shares = [0.0]
        for left, (_, tokens, cost) in zip(self.left(), self._budget.limits(), strict=True):
            shares += [1 - left.tokens / tokens] if tokens else []
            shares += [1 - left.cost / cost] if cost else []
        return min(max(shares), 1.0)


class Budgets:
    """All budgets: those of `users` by name, `*` for everybody else, and those of keys, which the
    ledger knows. `clock` gives Unix milliseconds.
    """

    def __init__(
        self,
        ledger: Ledger,
        users: Mapping[str, Budget] | None = None,
        *,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self._ledger = ledger
        self._users = dict(users or {})
        self._clock = clock
        self._known: dict[Payer, Account | None] = {}

    async def check(self, owner: str, key_id: str | None) -> None:
        """Before a turn starts.

        :raises BudgetExceeded: a budget is used up; of several the one that lasts longest.
        :raises StorageUnavailable: that cannot be told now.
        """
        accounts = await self._accounts(owner, key_id)
        for account in accounts:
            await account.look()
        over = _over(accounts)
        if over is not None:  # nobody is sent away for a whole day on a doubtful sum
            for account in accounts:
                await account.look(for_certain=True)
            over = _over(accounts)
        if over is not None:
            raise exceeded(over, now=self._clock())

    async def open(self, owner: str, key_id: str | None, state: TurnState) -> Meter | None:
        """The meter of a turn that begins to run; None where nothing bounds it. Close it.

        :raises StorageUnavailable: as `check`, where nothing is known from before.
        """
        accounts = await self._accounts(owner, key_id)
        for account in accounts:
            with suppress(StorageUnavailable):
                await account.look()
        return Meter(accounts, state) if accounts else None

    async def spent(self, owner: str, key_id: str | None = None) -> float:
        """The share that is spent of the fullest of somebody's budgets, 0 … 1; 0 without any.

        :raises StorageUnavailable: as `check`.
        """
        accounts = await self._accounts(owner, key_id)
        for account in accounts:
            await account.look()
        return max((account.spent for account in accounts), default=0.0)

    async def _accounts(self, owner: str, key_id: str | None) -> list[Account]:
        found = []
        user = Payer("user", owner)
        if self._users:
            found.append(self._account(user, self._users.get(owner, self._users.get(EVERYBODY))))
        if key_id is not None:
            key = Payer("key", key_id)
            if key not in self._known:  # a key's budget never changes
                self._account(key, await self._ledger.budget(key_id))
            found.append(self._known[key])
        return [account for account in found if account is not None]

    def _account(self, payer: Payer, budget: Budget | None) -> Account | None:
        if payer not in self._known:
            if len(self._known) >= _MOST:
                self._forget()
            made = None
            if budget is not None and not budget.is_none:
                made = Account(payer, budget, self._ledger, self._clock)
            self._known[payer] = made
        return self._known[payer]

    def _forget(self) -> None:
        """Let go of all that no running turn needs; it is read again when it is asked for."""
        self._known = {
            payer: account
            for payer, account in self._known.items()
            if account is not None and account.under_way
        }


def _over(accounts: list[Account]) -> Left | None:
    """The limit that is used up, the last in the order day, month, total."""
    order = {"day": 0, "month": 1, "total": 2}
    over = [left for account in accounts for left in account.left() if left.nothing]
    return max(over, key=lambda left: order[left.period], default=None)
