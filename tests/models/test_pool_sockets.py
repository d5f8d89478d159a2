"""Pools over real sockets: whatever one deployment does, another one answers, and nothing is said
twice.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable

import pytest
from pydantic import SecretStr

from talkwire.canon.deltas import Finish, Retry, Tokens
from talkwire.canon.models import Standing
from talkwire.models import retrying
from talkwire.models.breaker import Tolerance
from talkwire.models.building import build
from talkwire.models.entries import Entry, Site
from talkwire.models.pool import Pool
from talkwire.models.probes import Probes
from tests.models.conftest import KEY, ask, listen, until
from tests.upstream.behaviour import whole_text
from tests.upstream.dialects import Dialect
from tests.upstream.server import Upstream

DIALECTS: list[Dialect] = ["openai", "ollama", "llamacpp"]
every_dialect = pytest.mark.parametrize("dialect", DIALECTS)

# What the one deployment does before its first token, and what that is told as.
BEFORE = {
    "killed": "upstream_unavailable",
    "silent": "upstream_timeout",
    "status429": "upstream_rate_limited",
    "status429-retry30": "upstream_rate_limited",
    "status500": "upstream_unavailable",
    "status503-retry30": "upstream_unavailable",
    "status401": "upstream_auth",
    "status404": "upstream_not_found",
    "html": "upstream_invalid",
    "empty": "upstream_invalid",
    "n3-stall0": "upstream_timeout",
    "n3-cut0": "upstream_incomplete",
    "n3-rst0": "upstream_incomplete",
    "n3-chunk0": "upstream_incomplete",
    "n3-raw-at10-cut0": "upstream_incomplete",
}
AFTER = {
    "stall": "upstream_timeout",
    "cut": "upstream_incomplete",
    "rst": "upstream_incomplete",
    "chunk": "upstream_incomplete",
    "error": "upstream_error",
}


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "WAIT_FIRST_S", 0.002)


@pytest.fixture
async def other() -> AsyncIterator[Upstream]:
    async with Upstream() as running:
        yield running


Make = Callable[..., Pool]


@pytest.fixture
async def make(upstream: Upstream, other: Upstream) -> AsyncIterator[Make]:
    """A pool over both stand-ins, the first of which is asked first."""
    made: list[Pool] = []

    def pool(dialect: Dialect = "openai", *, failures: int = 2) -> Pool:
        upstream.dialect = other.dialect = dialect
        model = build(
            Entry(
                "n3",
                "openai-chat",
                sites=tuple(Site(each.base_url, SecretStr(KEY)) for each in (upstream, other)),
                tolerance=Tolerance(failures=failures, open_s=0.2),
                connect_timeout_s=1,
                first_token_timeout_s=0.3,
                idle_timeout_s=0.3,
            )
        )
        assert isinstance(model, Pool)
        made.append(model)
        return model

    yield pool
    for model in made:
        await model.close()


@every_dialect
async def test_a_stand_in_is_understood_with_its_quirks(
    dialect: Dialect, make: Make, upstream: Upstream
) -> None:
    upstream.models = ("n3",)
    model = make(dialect)

    heard = await listen(model, ask("n3"))
    told = await model.check()

    assert (heard.text, heard.error) == (whole_text(3), None)
    usage = [] if dialect == "ollama" else [Tokens(7, 3)]
    assert heard.deltas[-1 - len(usage) :] == [*usage, Finish("stop")]
    assert "2 of 2 deployments answer" in told


@every_dialect
@pytest.mark.parametrize("how", BEFORE)
async def test_before_the_first_token_the_other_deployment_answers(
    dialect: Dialect, how: str, make: Make, upstream: Upstream, other: Upstream
) -> None:
    model = make(dialect)
    if how == "killed":
        await upstream.kill()
    else:
        upstream.script.append(how)

    heard = await listen(model, ask("n3"))

    assert (heard.text, heard.error) == (whole_text(3), None)
    assert heard.of(Retry) == [Retry(1, 3, 0, BEFORE[how])]
    assert (upstream.calls, other.calls) == (how != "killed", 1)
    assert heard.of(Finish) == [Finish("stop")]


@every_dialect
@pytest.mark.parametrize("how", AFTER)
@pytest.mark.parametrize("said", [1, 2])
async def test_after_it_a_failure_is_final_and_nothing_is_said_twice(
    dialect: Dialect, how: str, said: int, make: Make, upstream: Upstream, other: Upstream
) -> None:
    model = make(dialect)
    upstream.script.append(f"n3-{how}{said}")

    heard = await listen(model, ask("n3"))

    assert heard.error is not None
    assert getattr(heard.error, "code", "") == AFTER[how]
    assert heard.text == whole_text(said)
    assert (heard.of(Retry), heard.of(Finish), other.calls) == ([], [], 0)


async def test_the_breaker_opens_and_a_probe_heals_it(
    make: Make, upstream: Upstream, other: Upstream
) -> None:
    model = make(failures=2)
    probes = Probes(model.deployments, within_s=1)
    await upstream.kill()
    dead = model.deployments[0]

    for _ in range(6):
        assert (await listen(model, ask("n3"))).text == whole_text(3)
    assert dead.health.errors == {"upstream_unavailable": 2}, "it was asked no more"
    await probes.round()
    await upstream.begin()
    await probes.round()
    assert dead.health.state == "closed"
    before = other.calls
    for _ in range(4):
        assert (await listen(model, ask("n3"))).text == whole_text(3)

    assert (upstream.calls, other.calls - before) == (2, 2)


async def test_one_that_is_loading_its_model_is_not_let_in_by_half(
    make: Make, upstream: Upstream
) -> None:
    model = make(failures=1)
    upstream.script.append("status503")
    upstream.checks = 503
    probes = Probes(model.deployments, within_s=1)
    await listen(model, ask("n3"))

    await probes.round()
    assert not model.deployments[0].health.lets_through()
    upstream.checks = 200
    await probes.round()

    assert model.deployments[0].health.lets_through()


@pytest.mark.parametrize("status", [401, 403, 405, 429, 501])
async def test_one_that_lists_no_models_is_there_all_the_same(
    status: int, make: Make, upstream: Upstream
) -> None:
    model = make(failures=1)
    upstream.checks = status

    await Probes(model.deployments, within_s=1).round()

    assert [each.health.state for each in model.deployments] == ["closed", "closed"]


async def test_a_full_server_is_passed_over(upstream: Upstream, other: Upstream) -> None:
    sites = tuple(Site(each.base_url, SecretStr(KEY)) for each in (upstream, other))
    tolerance = Tolerance(failures=1)
    model = build(Entry("n3", "openai-chat", sites=sites, max_connections=1, tolerance=tolerance))
    assert isinstance(model, Pool)
    held = asyncio.ensure_future(listen(model, ask("n3-stall1")))
    await upstream.until(lambda u: u.calls == 1)

    for _ in range(3):
        heard = await listen(model, ask("n3"))
        assert (heard.text, heard.of(Retry)) == (whole_text(3), [])

    assert (upstream.calls, other.calls) == (1, 3)
    assert [each.health.state for each in model.deployments] == ["closed", "closed"]
    held.cancel()
    await asyncio.wait([held])
    await model.close()


async def test_a_rate_limit_keeps_requests_away_for_its_time(
    make: Make, upstream: Upstream, other: Upstream
) -> None:
    model = make()
    upstream.script.append("status429-retry1")

    for _ in range(5):
        assert (await listen(model, ask("n3"))).error is None
    assert (upstream.calls, other.calls) == (1, 5)
    await until(model.deployments[0].health.lets_through)
    for _ in range(2):
        await listen(model, ask("n3"))

    assert upstream.calls == 2


async def test_cancelling_closes_the_socket_and_frees_the_place(
    make: Make, upstream: Upstream
) -> None:
    model = make()
    task = asyncio.ensure_future(listen(model, ask("n3-stall1")))
    await upstream.until(lambda u: u.calls == 1)
    assert model.standing(Standing("n3", "local")).running == 1

    task.cancel()
    await asyncio.wait([task])

    await asyncio.wait_for(upstream.connections[-1].closed.wait(), 2)
    assert model.standing(Standing("n3", "local")).running == 0


@pytest.mark.parametrize("seed", range(3))
async def test_in_a_storm_every_answer_is_whole_or_failed_after_it_began(
    seed: int, make: Make, upstream: Upstream, other: Upstream
) -> None:
    dice = random.Random(seed)
    model = make(failures=5)
    fates = ["n3-i1", "status500", "n3-rst0", "n3-cut0", "n3-cut2", "n3-rst1", "status429", "empty"]
    for stand_in in (upstream, other):
        stand_in.script.extend(dice.choices(fates, weights=[24, 1, 1, 1, 1, 1, 1, 1], k=400))
    restarts = asyncio.ensure_future(_restarted(upstream, dice))

    async def one(at: float) -> None:
        await asyncio.sleep(at)
        heard = await listen(model, ask("n3"))
        if heard.error is None:
            assert heard.text == whole_text(3)
        else:
            assert heard.text in [whole_text(k) for k in range(4)]
        failed.append(heard.error is not None)

    failed: list[bool] = []
    await asyncio.gather(*(one(dice.random()) for _ in range(200)))
    await restarts

    assert len(failed) == 200
    assert failed.count(True) < 80, "most that said nothing were answered by the other one"
    assert upstream.calls + other.calls <= 600
    assert model.standing(Standing("n3", "local")).running == 0


async def _restarted(upstream: Upstream, dice: random.Random) -> None:
    for _ in range(3):
        await asyncio.sleep(dice.random() / 5)
        await upstream.kill()
        await asyncio.sleep(dice.random() / 5)
        await upstream.begin()
