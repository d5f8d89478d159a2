"""Deployments that nobody may ask are looked after."""

from __future__ import annotations

import asyncio

import pytest

from talkwire.canon.errors import UpstreamUnavailable
from talkwire.models.breaker import Tolerance
from talkwire.models.health import Health
from talkwire.models.pool import Deployment, Pool
from talkwire.models.probes import Probes
from talkwire.models.scripted import Driven
from tests.models.conftest import until


class Checked(Driven):
    """Says in a check what it is told to; counts them."""

    def __init__(self, *, well: bool = True) -> None:
        super().__init__([])
        self.well = well
        self.checks = 0
        self.running = 0
        self.most = 0
        self.hangs = asyncio.Event()
        self.hangs.set()

    async def check(self) -> str:
        self.checks += 1
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.hangs.wait()
        finally:
            self.running -= 1
        if not self.well:
            raise UpstreamUnavailable("nobody there")
        return "well"


def down(model: Driven, *, local: bool = False) -> Deployment:
    place = Deployment(model, local=local, health=Health(Tolerance(failures=1, open_s=60.0)))
    Pool("m", [place])
    asked = place.health.ask()
    asked.failed(UpstreamUnavailable("gone"), blamed=True)
    asked.left()
    place.note()
    assert place.health.state == "open"
    return place


async def test_one_that_was_away_and_is_back_is_let_in(caplog: pytest.LogCaptureFixture) -> None:
    model = Checked(well=False)
    place = down(model)
    probes = Probes([place])

    await probes.round()
    assert place.health.state == "open"
    model.well = True
    with caplog.at_level("INFO"):
        await probes.round()

    assert place.health.lets_through()
    assert "model.well_again: m" in caplog.text


async def test_one_that_could_be_reached_all_the_time_waits_for_its_trial() -> None:
    place = down(Checked())

    await Probes([place]).round()

    assert place.health.state == "open", "a list of models proves no answer"


async def test_what_is_well_is_left_alone_but_local_ones_now_and_then() -> None:
    now = [0.0]
    near, far = Checked(), Checked()
    places = [Deployment(near, local=True), Deployment(far)]
    probes = Probes(places, local_every_s=30, clock=lambda: now[0])

    for now[0] in (0.0, 10.0, 29.0, 30.0, 45.0):
        await probes.round()

    assert (near.checks, far.checks) == (2, 0)


async def test_a_local_one_that_is_gone_is_known_before_it_is_asked() -> None:
    place = Deployment(Checked(well=False), local=True)

    await Probes([place]).round()

    assert not place.health.lets_through()
    assert place.health.why().startswith("it failed (upstream_unavailable)")


async def test_a_check_that_hangs_is_a_failure_in_time() -> None:
    model = Checked()
    model.hangs.clear()
    place = down(model)
    probes = Probes([place], within_s=0.01)

    await probes.round()
    assert model.running == 0
    model.hangs.set()
    await probes.round()

    assert place.health.lets_through()


async def test_few_are_checked_at_once() -> None:
    model = Checked()
    model.hangs.clear()
    probes = Probes([down(model) for _ in range(10)], at_once=3)
    round = asyncio.ensure_future(probes.round())
    await until(lambda: model.running == 3)

    model.hangs.set()
    await round

    assert (model.checks, model.most) == (10, 3)


async def test_watching_is_a_round_after_another_apart_by_chance_until_it_is_cancelled() -> None:
    model = Checked(well=False)
    drawn: list[float] = []

    def chance() -> float:
        drawn.append(0.5)
        return drawn[-1]

    watching = asyncio.ensure_future(Probes([down(model)], every_s=0.002, chance=chance).watch())
    await until(lambda: model.checks >= 3)
    model.hangs.clear()
    await until(lambda: model.running)

    watching.cancel()
    await asyncio.wait([watching], timeout=5)

    assert watching.cancelled()
    assert model.running == 0
    assert len(drawn) >= 3
