"""A sum that may hold a turn twice is read again before anybody is refused for it."""

from __future__ import annotations

import asyncio
import math

import pytest

from talkwire.canon.budgets import Budget, Sum
from talkwire.canon.errors import BudgetExceeded
from talkwire.canon.events import Stamped, UsageCounted
from talkwire.canon.fold import TurnState
from talkwire.engine import budgets as module
from talkwire.engine.budgets import Budgets
from tests.engine.fakes import until
from tests.engine.ledger import FakeLedger
from tests.engine.storage import FakeRecords

NOW = 1_772_445_600_000  # 2026-03-02T10:00:00Z


def budgets() -> tuple[Budgets, FakeLedger]:
    ledger = FakeLedger(FakeRecords(), {"k1": Budget(day=100)})
    return Budgets(ledger, clock=lambda: NOW), ledger


@pytest.fixture(autouse=True)
def _read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sum that was read stays as it is, but where it is doubtful."""
    monkeypatch.setattr(module, "FRESH_S", 3600.0)


async def test_nobody_is_refused_for_what_may_be_counted_twice() -> None:
    one, ledger = budgets()
    ledger.before, ledger.gate = Sum(60, 0.0), asyncio.Event()
    reading = asyncio.create_task(one.check("ann", "k1"))
    await until(lambda: ledger.reads)
    (account,) = one._known.values()
    assert account is not None
    account.charge(Sum(60, 0.0))  # it is in the sum that is being read, or is not

    ledger.gate.set()
    await reading

    assert ledger.reads == 2
    await one.check("ann", "k1")
    assert ledger.reads == 2


@pytest.mark.parametrize("closed", ["before it is read again", "meanwhile", "never"])
async def test_a_sum_that_may_hold_a_turn_whose_end_is_being_stored_is_read_again(
    closed: str,
) -> None:
    one, ledger = budgets()
    state = TurnState()
    meter = await one.open("ann", "k1", state)
    assert meter is not None
    state.apply(Stamped(0, 1, UsageCounted(40, 20)))
    meter.look()
    meter.ending = True
    ledger.before, ledger.gate = Sum(60, 0.0), asyncio.Event()  # the turn is in it
    ledger.gate.set()
    (account,) = one._known.values()
    assert account is not None
    account._read_at = -math.inf
    await account.look()

    if closed == "before it is read again":
        meter.close(stored=True)
    else:
        ledger.gate.clear()
    checking = asyncio.create_task(one.check("ann", "k1"))
    await until(lambda: ledger.reads == 3)
    if closed == "meanwhile":
        meter.close(stored=True)
    ledger.gate.set()

    if closed == "never":
        with pytest.raises(BudgetExceeded):
            await checking
    else:
        await checking
    assert ledger.reads == {"before it is read again": 3, "meanwhile": 4, "never": 5}[closed]
