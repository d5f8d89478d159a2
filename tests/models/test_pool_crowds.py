"""Many requests at once where little or nothing may be asked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import pytest
import stamina

from talkwire.canon.deltas import Delta, Finish, Retry, Text
from talkwire.canon.errors import UpstreamRateLimited, UpstreamUnavailable
from talkwire.canon.models import Standing
from talkwire.models import pool as pools
from talkwire.models import retrying
from talkwire.models.allowance import Allowance
from talkwire.models.breaker import Tolerance
from talkwire.models.health import Crowded, Health
from talkwire.models.pool import Deployment, Pool
from talkwire.models.scripted import Driven, Step
from tests.models.conftest import ask, listen, until

WELL: list[Step] = [Text("hi"), Finish("stop")]
GONE: list[Step] = [UpstreamUnavailable("gone")]
NOTHING = Allowance(reserve=0, share=0, a_second=0)


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(retrying, "WAIT_FIRST_S", 0.002)
    hooks = stamina.instrumentation.get_on_retry_hooks()
    stamina.instrumentation.set_on_retry_hooks([])
    yield
    stamina.instrumentation.set_on_retry_hooks(hooks)


def limit() -> list[Step]:
    limited = UpstreamRateLimited("slow down")
    limited.retry_after_s = 300.0
    return [limited]


def pool(*models: Driven, most: int | None = None, max_attempts: int = 1) -> Pool:
    tolerance = Tolerance(failures=1, open_s=60.0)
    places = [Deployment(model, health=Health(tolerance, most=most)) for model in models]
    return Pool("m", places, max_attempts=max_attempts, allowance=NOTHING)


def calls(*models: Driven) -> list[int]:
    return [len(model.requests) for model in models]


def retries(said: Sequence[Delta]) -> int:
    return sum(isinstance(delta, Retry) for delta in said)


async def test_where_all_want_rest_one_at_a_time_tries_and_its_answer_lets_all_in() -> None:
    hold = asyncio.Event()
    models = [Driven(limit(), [hold, *WELL], WELL) for _ in range(2)]
    model = pool(*models)
    for _ in models:
        await listen(model, ask())

    crowd = [asyncio.ensure_future(listen(model, ask())) for _ in range(20)]
    await asyncio.sleep(0)
    assert calls(*models) == [2, 2]
    hold.set()
    heard = await asyncio.gather(*crowd)

    assert [each.text for each in heard] == ["hi"] * 20
    assert all(each.health.lets_through() for each in model.deployments)


async def test_where_all_still_want_rest_few_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "PATIENCE_S", 0.01)
    hold = asyncio.Event()
    models = [Driven(limit(), [hold, *limit()]) for _ in range(2)]
    model = pool(*models)
    for _ in models:
        await listen(model, ask())

    crowd = [asyncio.ensure_future(listen(model, ask())) for _ in range(20)]
    await until(lambda: sum(each.done() for each in crowd) == 18)

    assert calls(*models) == [2, 2]
    hold.set()
    await asyncio.wait(crowd)


async def test_who_waits_goes_on_waiting_when_the_news_is_of_no_use() -> None:
    hold, old = asyncio.Event(), asyncio.Event()
    models = [
        Driven([Text("h"), old, Text("i")], GONE, [hold, *WELL], WELL),
        Driven(GONE, [hold, *WELL], WELL),
    ]
    model = pool(*models)
    running = asyncio.ensure_future(listen(model, ask()))
    await asyncio.sleep(0)
    for _ in models:
        await listen(model, ask())
    trials = [asyncio.ensure_future(listen(model, ask())) for _ in models]
    await asyncio.sleep(0)
    assert calls(*models) == [3, 2]
    waiting = asyncio.ensure_future(listen(model, ask()))
    await asyncio.sleep(0)

    old.set()
    assert (await running).text == "hi"
    model._news.set()  # and other news that frees nobody
    model._news = asyncio.Event()
    await asyncio.sleep(0)
    assert not waiting.done()
    hold.set()
    await asyncio.wait(trials)

    assert (await waiting).text == "hi"


async def test_full_ones_are_passed_over_and_not_blamed() -> None:
    hold = asyncio.Event()
    models = [Driven([hold, *WELL]) for _ in range(2)]
    model = pool(*models, most=1)
    held = [asyncio.ensure_future(listen(model, ask())) for _ in models]
    await asyncio.sleep(0)

    refused = await listen(model, ask())
    assert isinstance(refused.error, Crowded)
    hold.set()
    await asyncio.wait(held)

    assert calls(*models) == [1, 1]
    assert [each.health.state for each in model.deployments] == ["closed", "closed"]
    assert (await listen(model, ask())).text == "hi"


async def test_one_that_has_no_connection_left_costs_nothing_of_the_allowance() -> None:
    full: list[Step] = [Crowded("all in use")]
    first, second, alone = Driven(full), Driven(WELL), Driven(full, full, WELL)
    model, single = pool(first, second, max_attempts=2), pool(alone, max_attempts=3)

    heard, after = await listen(model, ask()), await listen(single, ask())

    assert (heard.text, retries(heard.deltas), calls(first, second)) == ("hi", 1, [1, 1])
    assert (after.text, retries(after.deltas)) == ("hi", 2)
    assert [each.health.error_rate for each in (*model.deployments, *single.deployments)] == [0] * 3


async def test_one_that_limits_its_requests_is_reachable_all_the_same() -> None:
    model = pool(Driven(limit()))

    await listen(model, ask())

    standing = model.standing(Standing("m", "local"))
    assert (standing.healthy, standing.reachable) == (False, True)
