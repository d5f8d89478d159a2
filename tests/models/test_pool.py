"""Several deployments as one model: who is asked, how often, and what is said."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence

import pytest
import stamina

from talkwire.canon.deltas import Delta, Finish, Retry, Text
from talkwire.canon.errors import (
    ModelError,
    UpstreamAuth,
    UpstreamIncomplete,
    UpstreamNotFound,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamUnavailable,
)
from talkwire.canon.models import Standing
from talkwire.models import pool as pools
from talkwire.models import retrying
from talkwire.models.allowance import Allowance
from talkwire.models.breaker import Tolerance
from talkwire.models.health import Health
from talkwire.models.pool import Deployment, Pool
from talkwire.models.scripted import Driven, Step
from tests.models.conftest import Heard, ask, listen, until

WELL: list[Step] = [Text("hi"), Finish("stop")]
GONE: list[Step] = [UpstreamUnavailable("gone")]


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(retrying, "WAIT_FIRST_S", 0.002)
    hooks = stamina.instrumentation.get_on_retry_hooks()
    stamina.instrumentation.set_on_retry_hooks([])
    yield
    stamina.instrumentation.set_on_retry_hooks(hooks)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


CLOCK = Clock()


def place(model: Driven, *, weight: float = 1.0, failures: int = 2, named: str = "") -> Deployment:
    health = Health(Tolerance(failures=failures, open_s=10.0), CLOCK)
    return Deployment(model, weight=weight, upstream_model=named, health=health)


def pool(*models: Driven, allowance: Allowance | None = None, max_attempts: int = 3) -> Pool:
    places = [place(model) for model in models]
    return Pool("m", places, max_attempts=max_attempts, allowance=allowance)


def retries(said: Sequence[Delta]) -> list[Retry]:
    return [delta for delta in said if isinstance(delta, Retry)]


def calls(*models: Driven) -> list[int]:
    return [len(model.requests) for model in models]


async def several(model: Pool, count: int) -> list[Heard]:
    return [await listen(model, ask()) for _ in range(count)]


async def test_another_deployment_answers_at_once_when_nothing_was_said() -> None:
    bad, good = Driven(GONE), Driven(WELL)

    heard = await listen(pool(bad, good), ask())

    assert (heard.text, heard.error) == ("hi", None)
    assert retries(heard.deltas) == [Retry(1, 3, 0, "upstream_unavailable")]
    assert calls(bad, good) == [1, 1]


async def test_what_came_before_the_first_word_is_not_said() -> None:
    bad = Driven([Retry(9, 9, 9, "theirs"), *GONE])

    heard = await listen(pool(bad, Driven(WELL)), ask())

    assert [delta.reason for delta in retries(heard.deltas)] == ["upstream_unavailable"]


async def test_nothing_is_asked_again_once_something_was_said() -> None:
    cut, other = Driven([Text("a"), UpstreamIncomplete("cut")]), Driven(WELL)

    heard = await listen(pool(cut, other), ask())

    assert isinstance(heard.error, UpstreamIncomplete)
    assert (heard.text, calls(cut, other)) == ("a", [1, 0])


@pytest.mark.parametrize("places", range(1, 6))
@pytest.mark.parametrize("most", range(1, 5))
async def test_attempts_are_counted_over_all_deployments_and_never_multiplied(
    places: int, most: int
) -> None:
    models = [Driven(GONE) for _ in range(places)]

    heard = await listen(pool(*models, max_attempts=most), ask())

    assert isinstance(heard.error, UpstreamUnavailable)
    assert sum(calls(*models)) == most
    assert max(calls(*models)) == -(-most // places)
    assert len(retries(heard.deltas)) == most - 1


async def test_when_all_were_asked_there_is_a_pause() -> None:
    heard = await listen(pool(Driven(GONE), Driven(GONE), max_attempts=4), ask())

    assert [retry.delay_ms > 0 for retry in retries(heard.deltas)] == [False, True, True]


@pytest.mark.parametrize("error", [UpstreamAuth, UpstreamNotFound])
async def test_a_deployment_that_cannot_answer_is_left_out_and_not_asked_again(
    error: type[ModelError],
) -> None:
    bad, gone = Driven([error("no")]), Driven(GONE, WELL)

    heard = await listen(pool(bad, gone), ask())

    assert (heard.text, calls(bad, gone)) == ("hi", [1, 2])


async def test_what_is_wrong_with_a_request_is_wrong_everywhere() -> None:
    models = [Driven([UpstreamRejected("too long")]), Driven(WELL)]

    heard = await listen(pool(*models), ask())

    assert isinstance(heard.error, UpstreamRejected)
    assert sum(calls(*models)) == 1


async def test_one_that_keeps_failing_is_asked_no_more() -> None:
    bad, good = Driven(GONE), Driven(WELL)
    model = pool(bad, good)

    heard = await several(model, 10)

    assert [each.text for each in heard] == ["hi"] * 10
    assert calls(bad, good) == [2, 10]


async def test_a_rate_limit_sends_requests_elsewhere_for_as_long() -> None:
    limit = UpstreamRateLimited("slow down")
    limit.retry_after_s = 30.0
    limited, free = Driven([limit], WELL), Driven(WELL)
    model = pool(limited, free)

    await several(model, 3)
    assert calls(limited, free) == [1, 3]
    CLOCK.now += 30
    await several(model, 2)

    assert calls(limited, free) == [2, 4]


async def test_the_least_busy_by_weight_is_asked() -> None:
    hold = asyncio.Event()
    small, large = Driven([hold, *WELL]), Driven([hold, *WELL])
    model = Pool("m", [place(small), place(large, weight=3)])

    tasks = [asyncio.ensure_future(listen(model, ask())) for _ in range(8)]
    await asyncio.sleep(0)

    assert calls(small, large) == [2, 6]
    hold.set()
    await asyncio.wait(tasks)
    assert [each.health.running for each in model.deployments] == [0, 0]


async def test_idle_equals_are_asked_in_turn() -> None:
    models = [Driven(WELL) for _ in range(3)]

    await several(pool(*models), 9)

    assert calls(*models) == [3, 3, 3]


async def test_a_deployment_may_have_a_name_of_its_own_for_the_model() -> None:
    model = Driven(WELL)

    await listen(Pool("m", [place(model, named="qwen:7b")]), ask("large"))

    assert model.requests[0].model == "qwen:7b"


async def test_where_all_are_down_one_at_a_time_tries_the_one_that_opens_soonest() -> None:
    hold = asyncio.Event()
    first, second = Driven(GONE, GONE, [hold, *WELL]), Driven(GONE, GONE, WELL)
    model = pool(first, second, max_attempts=1)
    await several(model, 3)
    CLOCK.now += 1
    await several(model, 1)
    assert [each.health.state for each in model.deployments] == ["open", "open"]
    assert model.deployments[0].health.ready_in_s() == 9

    trial = asyncio.ensure_future(listen(model, ask()))
    await asyncio.sleep(0)
    meanwhile = await several(model, 2)

    assert [each.text for each in meanwhile] == ["hi", "hi"], "the other one was tried, and is well"
    assert calls(first, second) == [3, 4]
    hold.set()
    assert (await trial).text == "hi"


async def test_where_all_are_down_and_being_tried_it_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pools, "PATIENCE_S", 0.01)
    hold = asyncio.Event()
    models = [Driven(GONE, GONE, [hold, *WELL]) for _ in range(2)]
    model = pool(*models, max_attempts=1)
    await several(model, 4)
    trials = [asyncio.ensure_future(listen(model, ask())) for _ in range(2)]
    await asyncio.sleep(0)

    refused = await listen(model, ask())

    assert isinstance(refused.error, UpstreamUnavailable)
    assert "All 2 deployments of 'm'" in refused.error.message
    assert refused.error.retry_after_s == 10
    assert calls(*models) == [3, 3]
    hold.set()
    await asyncio.wait(trials)


async def test_while_all_are_being_tried_others_wait_to_see_how_it_goes() -> None:
    hold = asyncio.Event()
    models = [Driven(GONE, GONE, [hold, *WELL], WELL) for _ in range(2)]
    model = pool(*models, max_attempts=1)
    await several(model, 4)

    crowd = [asyncio.ensure_future(listen(model, ask())) for _ in range(20)]
    await asyncio.sleep(0)
    assert calls(*models) == [3, 3]
    hold.set()
    heard = await asyncio.gather(*crowd)

    assert [each.text for each in heard] == ["hi"] * 20


async def test_who_was_refused_asks_again_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "PATIENCE_S", 0.0)
    hold = asyncio.Event()
    models = [Driven(GONE, GONE, [hold, *WELL]) for _ in range(2)]
    model = pool(*models, max_attempts=1, allowance=Allowance(reserve=0, share=0, a_second=0))
    await several(model, 4)
    trials = [asyncio.ensure_future(listen(model, ask())) for _ in range(2)]
    await asyncio.sleep(0)
    model.max_attempts = 3

    waiting = Heard()
    asking = asyncio.ensure_future(model.answer(ask(), waiting.hear))
    await until(lambda: waiting.deltas)
    hold.set()
    await asyncio.wait([asking, *trials])

    assert (waiting.text, len(retries(waiting.deltas))) == ("hi", 1)


async def test_one_alone_is_asked_whatever_its_breaker_says() -> None:
    model = Driven(*[GONE] * 5, WELL)
    alone = pool(model, max_attempts=1)

    await several(alone, 5)
    assert alone.deployments[0].health.state == "open"
    standing = alone.standing(Standing("m", "local"))
    assert (standing.healthy, standing.reachable) == (False, False)
    heard = await listen(alone, ask())

    assert (heard.text, alone.deployments[0].health.state) == ("hi", "closed")


async def test_a_storm_of_failures_does_not_multiply_the_load() -> None:
    models = [Driven(GONE) for _ in range(2)]
    allowance = Allowance(share=0.2, reserve=5, a_second=0)

    await several(pool(*models, allowance=allowance), 100)

    assert 120 <= sum(calls(*models)) <= 100 + 5 + 20


async def test_cancelling_frees_the_place_and_counts_neither_way() -> None:
    models = [Driven([asyncio.Event()]), Driven([asyncio.Event()])]
    model = pool(*models)
    tasks = [asyncio.ensure_future(listen(model, ask())) for _ in range(4)]
    await asyncio.sleep(0)
    assert model.standing(Standing("m", "local")).running == 4

    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)

    standing = model.standing(Standing("m", "local"))
    assert (standing.running, standing.healthy, standing.error_rate) == (0, True, 0.0)
    assert sum(calls(*models)) == 4


async def test_a_trial_that_is_cancelled_leaves_room_for_another_one() -> None:
    bad = Driven(GONE, GONE, [asyncio.Event()], WELL)
    model = pool(bad, Driven([asyncio.Event()]), max_attempts=1)
    places = model.deployments
    await listen(model, ask())
    busy = [asyncio.ensure_future(listen(model, ask())) for _ in range(2)]
    await asyncio.sleep(0)
    CLOCK.now += 10
    assert places[0].health.state == "half-open"
    trial = asyncio.ensure_future(listen(model, ask()))
    await asyncio.sleep(0)
    assert not places[0].health.lets_through()

    trial.cancel()
    await asyncio.wait([trial])

    assert places[0].health.lets_through()
    assert (await listen(model, ask())).text == "hi"
    for task in busy:
        task.cancel()
    await asyncio.wait(busy)


async def test_a_model_that_nobody_configured_is_the_requests_fault() -> None:
    model = Pool("m", [place(Driven([UpstreamNotFound("no such model")]))], any_name=True)

    await several(model, 9)

    assert model.standing(Standing("m", "cloud")).healthy


async def test_the_standing_is_that_of_those_that_would_be_asked() -> None:
    bad, good = Driven(GONE), Driven(WELL)
    model = pool(bad, good)
    await several(model, 4)

    standing = model.standing(Standing("m", "local", price_in=1.0, context_tokens=5))

    assert (standing.healthy, standing.why, standing.error_rate) == (True, "", 0.0)
    assert (standing.latency_ms, standing.price_in, standing.context_tokens) == (0.0, 1.0, 5)
    await several(pool_of_dead := pool(Driven(GONE), Driven(GONE)), 4)
    dead = pool_of_dead.standing(Standing("m", "local"))
    assert not dead.healthy
    assert dead.why.startswith("deployment 1: it failed (upstream_unavailable)")
    assert "; deployment 2: " in dead.why


async def test_one_that_answers_is_enough_for_a_check() -> None:
    class Silent(Driven):
        async def check(self) -> str:
            raise UpstreamUnavailable("nobody there")

    assert await pool(Silent(WELL), Driven(WELL)).check() == (
        "1 of 2 deployments answer: driven by a test"
    )
    assert await pool(Driven(WELL)).check() == "driven by a test"
    with pytest.raises(UpstreamUnavailable, match="nobody"):
        await pool(Silent(WELL), Silent(WELL)).check()


@pytest.mark.parametrize("seed", range(20))
async def test_in_any_mess_every_answer_is_said_once_and_nothing_keeps_running(seed: int) -> None:
    dice = random.Random(seed)
    fates: list[list[Step]] = [
        WELL,
        GONE,
        [Text("h"), Text("i"), Finish("stop")],
        [Text("h"), UpstreamIncomplete("cut")],
        [UpstreamRateLimited("slow")],
        [UpstreamAuth("no")],
        [UpstreamRejected("no")],
    ]
    models = [Driven(*(dice.choice(fates) for _ in range(400))) for _ in range(3)]
    model = pool(*models)

    heard = await asyncio.gather(*(listen(model, ask()) for _ in range(100)))

    for each in heard:
        CLOCK.now += dice.random()
        assert each.text in (("hi",) if each.error is None else ("", "h"))
        assert each.text or each.error, "an answer without a word has its error"
    assert sum(calls(*models)) <= 300
    assert model.standing(Standing("m", "local")).running == 0
