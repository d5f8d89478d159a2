"""Budgets against a ledger: who is refused, when there is more, and how far turns overshoot."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from msgspec import structs

from talkwire.canon.budgets import Budget, Sum, start
from talkwire.canon.deltas import Delta, Finish, Text, Tokens
from talkwire.canon.errors import BudgetExceeded, StorageUnavailable, UpstreamUnavailable
from talkwire.canon.events import (
    MessageCompleted,
    TextDelta,
    TurnAborted,
    TurnCompleted,
    TurnFailed,
)
from talkwire.canon.fold import TurnState
from talkwire.canon.turn import text_message
from talkwire.engine import budgets as module
from talkwire.engine.budgets import Budgets
from tests.engine.fakes import OWNER, Act, ScriptedModel, World, asking, until
from tests.engine.ledger import FakeLedger
from tests.engine.storage import FakeRecords

NOW = 1_772_445_600_000  # 2026-03-02T10:00:00Z
KEY = {"k1": Budget(day=100)}


def budgets(
    users: Mapping[str, Budget] | None = None, keys: Mapping[str, Budget] | None = None
) -> tuple[Budgets, FakeLedger]:
    ledger = FakeLedger(FakeRecords(), keys)
    return Budgets(ledger, users, clock=lambda: NOW), ledger


def world(*answers: Sequence[Act], keys: Mapping[str, Budget] = KEY, **users: Budget) -> World:
    records = FakeRecords()
    return World(
        ScriptedModel(*answers), records=records, budgets=Budgets(FakeLedger(records, keys), users)
    )


def words(count: int) -> list[Act]:
    return [*([Text(f"w{k} ")] for k in range(count)), [Finish("stop")]]


def reported(count: int, told: Tokens) -> list[Act]:
    end: list[Delta] = [told, Finish("stop")]
    return [*words(count)[:-1], end]


async def told(stage: World, **more: Any) -> list[Any]:
    turn_id = await stage.ask("Hi", key_id="k1", **more)
    return [stamped.event for stamped in await stage.events(turn_id)]


def used(stage: World) -> int:
    return sum(
        usage.input_tokens + usage.output_tokens
        for outcome in stage.records.outcomes.values()
        for usage in outcome.by_model.values()
    )


@pytest.fixture(autouse=True)
def _read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sum that was read stays as it is: what is known later, this process has charged."""
    monkeypatch.setattr(module, "FRESH_S", 3600.0)


async def test_without_a_budget_nothing_is_read_and_nothing_counted() -> None:
    one, ledger = budgets(keys=KEY)

    for key_id in (None, "k2", "k2"):
        await one.check("ann", key_id)
        assert await one.open("ann", key_id, TurnState()) is None
        assert await one.spent("ann", key_id) == 0.0

    assert (ledger.reads, ledger.asked_keys) == (0, ["k2"])


@pytest.mark.parametrize(
    ("budget", "status", "retry_after_s"),
    [
        (Budget(day=100), 429, 14 * 3600),
        (Budget(cost_day=1.0), 429, 14 * 3600),
        (Budget(month=100), 429, 29 * 86_400 + 14 * 3600),
        (Budget(total=100), 403, None),
        (Budget(day=100, total=100), 403, None),
        (Budget(day=100, cost_month=1.0), 429, 29 * 86_400 + 14 * 3600),
    ],
)
@pytest.mark.parametrize("whose", ["key", "user", "everybody"])
async def test_a_budget_that_is_used_up_refuses_until_the_next_one_begins(
    budget: Budget, status: int, retry_after_s: int | None, whose: str
) -> None:
    users = {"user": {"ann": budget}, "everybody": {"*": budget}}.get(whose)
    one, ledger = budgets(users, {"k1": budget} if whose == "key" else {})
    ledger.before = Sum(99, 0.9)
    await one.check("ann", "k1")

    one, ledger = budgets(users, {"k1": budget} if whose == "key" else {})
    ledger.before = Sum(100, 1.0)
    with pytest.raises(BudgetExceeded) as refused:
        await one.check("ann", "k1")

    assert (refused.value.status, refused.value.retry_after_s) == (status, retry_after_s)


async def test_a_users_own_budget_goes_before_everybodys() -> None:
    one, ledger = budgets({"ann": Budget(day=1000), "*": Budget(day=10)})
    ledger.before = Sum(100, 0)

    await one.check("ann", None)
    with pytest.raises(BudgetExceeded):
        await one.check("bob", None)


async def test_what_is_spent_is_the_share_of_the_fullest() -> None:
    one, ledger = budgets({"*": Budget(day=1000, cost_month=4.0)}, {"k1": Budget(total=250)})
    ledger.before = Sum(100, 1.0)

    assert await one.spent("ann") == 0.25
    assert await one.spent("ann", "k1") == 0.4
    meter = await one.open("ann", "k1", TurnState())
    assert meter is not None
    assert meter.spent == 0.4
    ledger.before = Sum(1_000_000, 1.0)
    assert await one.spent("bob", "k1") == 1.0


async def test_of_many_who_come_at_once_one_reads() -> None:
    one, ledger = budgets(keys=KEY)

    await asyncio.gather(*(one.check("ann", "k1") for _ in range(50)))

    assert ledger.reads == 1


async def test_a_ledger_that_is_away_is_told_and_a_turn_that_runs_goes_on() -> None:
    one, ledger = budgets(keys=KEY)
    ledger.away = True

    with pytest.raises(StorageUnavailable):
        await one.check("ann", "k1")
    assert await one.open("ann", "k1", TurnState()) is not None


async def test_a_model_is_told_how_much_may_be_said() -> None:
    stage = world(words(3), keys={"k1": Budget(day=100)})

    await told(stage)
    await stage.events(await stage.ask("Hi", key_id="k2"))

    bounded, free = (request.max_output_tokens for request in stage.model.requests)
    assert bounded is not None
    assert 100 < bounded <= 150
    assert free is None


async def test_an_unlikely_crowd_of_payers_is_not_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_MOST", 10)
    one, _ = budgets({"*": Budget(day=10)})
    kept = await one.open("ann", None, TurnState())

    for k in range(100):
        await one.check(f"user {k}", f"k{k}")

    assert kept is not None
    assert len(one._known) <= 11


@pytest.mark.parametrize("budget", [40, 100, 400])
async def test_a_stream_ends_with_its_budget_and_keeps_what_was_said(budget: int) -> None:
    stage = world(words(1000), keys={"k1": Budget(day=budget)})

    events = await told(stage)

    assert isinstance(events[-1], TurnFailed)
    assert (events[-1].code, events[-1].retryable) == ("budget_exceeded", False)
    assert used(stage) == pytest.approx(budget, rel=0.05)
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    assert text == "".join(f"w{k} " for k in range(1000))[: len(text)]
    (outcome,) = stage.records.outcomes.values()
    assert outcome.usage.estimated
    assert (outcome.messages[-1].text, outcome.messages[-1].incomplete) == (text, True)
    assert stage.model.closed == 1
    assert stage.model.yielded < budget
    with pytest.raises(BudgetExceeded):
        await stage.ask("Hi", key_id="k1")


async def test_a_turn_that_fits_is_charged_as_its_provider_tells() -> None:
    stage = world(reported(3, Tokens(40, 30)), keys={"k1": Budget(day=100)})

    for _ in range(2):  # 30 are left then, and the question is estimated to be less than that
        assert (await told(stage))[-1] == TurnCompleted("stop")

    assert used(stage) == 140
    with pytest.raises(BudgetExceeded):
        await stage.ask("Hi", key_id="k1")


async def test_users_of_other_keys_and_of_none_are_not_bounded_by_it() -> None:
    stage = world(words(300), keys={"k1": Budget(day=50)})
    await told(stage)

    for key_id in (None, "k2"):
        turn_id = await stage.ask("Hi", key_id=key_id)
        assert (await stage.events(turn_id))[-1].event == TurnCompleted("stop")


async def test_all_keys_of_a_user_use_the_users_budget() -> None:
    stage = world(words(300), keys={}, **{OWNER: Budget(day=60)})

    turn_id = await stage.ask("Hi", key_id="k1")
    assert isinstance((await stage.events(turn_id))[-1].event, TurnFailed)

    for key_id in (None, "k2"):
        with pytest.raises(BudgetExceeded, match="this user"):
            await stage.ask("Hi", key_id=key_id)


async def test_a_decision_on_a_call_starts_no_turn_without_a_budget() -> None:
    stage = world(words(3), keys={"k1": Budget(total=10)})
    stage.turns._accepting._budgets = None
    # The call's turn was before the budget was used up.
    ledger = FakeLedger(stage.records, {"k1": Budget(total=10)})
    ledger.before = Sum(10, 0.0)
    stage.turns._accepting._budgets = Budgets(ledger)

    with pytest.raises(BudgetExceeded):
        await stage.turns._accepting.start(
            OWNER, asking(), idempotency=None, caller=None, key_id="k1"
        )
    assert stage.records.turns == {}


async def test_an_abort_frees_what_was_under_way_and_charges_what_was_said() -> None:
    stage = world([*words(20)[:-1], asyncio.Event()], keys={"k1": Budget(day=100)})
    turn_id = await stage.ask("Hi", key_id="k1")
    await until(lambda: stage.model.yielded == 20)
    one = stage.turns._accepting._budgets
    assert one is not None
    before = await one.spent(OWNER, "k1")

    await stage.turns.abort(OWNER, turn_id)
    await until(lambda: not stage.turns.running)

    assert (await stage.events(turn_id))[-1].event == TurnAborted("client")
    assert await one.spent(OWNER, "k1") == before > 0.2
    (account,) = [account for account in one._known.values() if account is not None]
    assert not account.under_way


@pytest.mark.parametrize("tokens", [200, 1000])
async def test_parallel_turns_overshoot_at_most_by_what_was_under_way(tokens: int) -> None:
    stage = world(words(2 * tokens), keys={"k1": Budget(day=tokens)})

    turns = await asyncio.gather(
        *(stage.ask("Hi", session=f"s_{k}", key_id="k1") for k in range(20))
    )
    ends = [(await stage.events(turn_id))[-1].event for turn_id in turns]
    await until(lambda: not stage.turns.running)

    assert all(isinstance(end, TurnFailed) and end.code == "budget_exceeded" for end in ends)
    each = [
        outcome.usage.input_tokens + outcome.usage.output_tokens
        for outcome in stage.records.outcomes.values()
    ]
    assert max(each) <= tokens  # no stream is longer than what was left
    assert tokens * 0.95 <= used(stage) <= 20 * tokens
    with pytest.raises(BudgetExceeded):
        await stage.ask("Hi", session="s_late", key_id="k1")


async def test_a_turn_that_begins_later_gets_what_those_under_way_have_left() -> None:
    go_on = asyncio.Event()
    first: list[Act] = [*words(60)[:-1], go_on, [Finish("stop")]]
    stage = world(first, words(500), keys={"k1": Budget(day=100)})
    one = await stage.ask("Hi", session="s_1", key_id="k1")
    await until(lambda: stage.model.yielded == 60)

    late = await stage.ask("Hi", session="s_2", key_id="k1")
    end = (await stage.events(late))[-1].event
    go_on.set()
    await stage.events(one)

    assert isinstance(end, TurnFailed)
    assert used(stage) == pytest.approx(100, rel=0.05)


async def test_a_turn_that_is_taken_over_is_bounded_where_it_goes_on() -> None:
    before = world([*words(30)[:-1], asyncio.Event()], keys={"k1": Budget(day=100)})
    turn_id = await before.ask("Hi", key_id="k1")
    await until(lambda: before.model.yielded == 30)
    await before.turns.drain(0)

    ledger = FakeLedger(before.records, {"k1": Budget(day=100)})
    after = World(
        ScriptedModel(words(500)), records=before.records, prefill=True, budgets=Budgets(ledger)
    )
    await after.turns.adopt()
    events = [stamped.event for stamped in await after.events(turn_id)]

    assert isinstance(events[-1], TurnFailed)
    assert events[-1].code == "budget_exceeded"
    (outcome,) = before.records.outcomes.values()
    assert outcome.key_id == "k1"
    assert used(after) == pytest.approx(100, rel=0.05)


async def test_a_failure_of_the_model_is_told_as_what_it_is() -> None:
    stage = world([*words(3)[:-1], UpstreamUnavailable("gone")])

    events = await told(stage)

    assert isinstance(events[-1], TurnFailed)
    assert events[-1].code == "upstream_unavailable"
    assert used(stage) > 3


async def test_a_long_conversation_may_ask_only_what_it_can_pay() -> None:
    stage = world(words(5), keys={"k1": Budget(day=100)})
    context = tuple(text_message(f"m{k}", "user", "x" * 100) for k in range(9))

    turn_id = await stage.ask("Hi", key_id="k1", context=context)
    events = [stamped.event for stamped in await stage.events(turn_id)]

    assert isinstance(events[-1], TurnFailed)
    assert stage.model.requests == []
    assert not any(isinstance(event, MessageCompleted) for event in events)
    assert used(stage) == 0


async def test_another_node_sees_what_was_charged_when_it_reads_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = world(words(300), keys={"k1": Budget(day=60)})
    other = Budgets(FakeLedger(stage.records, {"k1": Budget(day=60)}))
    await other.check(OWNER, "k1")
    await told(stage)

    await other.check(OWNER, "k1")  # it has read a moment ago
    monkeypatch.setattr(module, "FRESH_S", 0.0)
    with pytest.raises(BudgetExceeded):
        await other.check(OWNER, "k1")


async def test_what_was_used_before_today_is_read_once_a_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "FRESH_S", 0.0)
    now, day = NOW, 86_400_000
    ledger = FakeLedger(FakeRecords(), {"k1": Budget(day=10, month=100, total=1000)})
    one = Budgets(ledger, clock=lambda: now)
    today = start("day", NOW)

    for _ in range(3):
        await one.check(OWNER, "k1")
    assert ledger.spans == [(0, today), (today, None), (today, None), (today, None)]
    ledger.spans.clear()
    now = today + day + 1000  # just after midnight, ends of the day before may still come
    await one.check(OWNER, "k1")
    assert ledger.spans == [(0, None)]
    ledger.spans.clear()
    now = today + day + 3_600_000
    for _ in range(2):
        await one.check(OWNER, "k1")
    assert ledger.spans == [(0, today + day), (today + day, None), (today + day, None)]


async def test_days_that_are_over_and_today_are_one_sum() -> None:
    records = FakeRecords()
    stage = World(ScriptedModel(reported(3, Tokens(40, 30))), records=records)
    for _ in range(3):
        await stage.events(await stage.ask("Hi", key_id="k1"))
    months = [start("month", NOW) + 5, start("day", NOW) - 5, NOW]
    for outcome, at in zip(list(records.outcomes.values()), months, strict=True):
        records.outcomes[outcome.turn_id] = structs.replace(outcome, ended_at=at)
    one = Budgets(FakeLedger(records, {"k1": Budget(day=700, month=840)}), clock=lambda: NOW)

    assert await one.spent(OWNER, "k1") == 0.25  # 210 of the month, and 70 of the day
