"""Registered as long as it serves, whatever the gateway does meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from talkwire.gateway import registering
from talkwire.gateway.instance import Instance
from talkwire.gateway.registering import Registering
from talkwire.gateway.rest import Rest
from tests.e2e.waiting import until
from tests.gateway.stand_in import StandIn

ONE = Instance("one", "chat", "http://10.0.0.7:8000", 0.3)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registering, "_FIRST_PAUSE_S", 0.01)


def _made(gateway: StandIn) -> Registering:
    return Registering(Rest(gateway.url, timeout_s=1), ONE, now=lambda: 7.0)


def _kinds(gateway: StandIn) -> list[str]:
    return [f"{a.method} {a.path.rpartition('/')[2]}" for a in gateway.asked]


async def test_it_is_renewed_in_time_and_leaves() -> None:
    async with StandIn() as gateway:
        made = _made(gateway)
        assert made.fault == "it was not told yet"
        made.begin()
        made.begin()
        await until(lambda: len(gateway.asked) >= 4)
        assert gateway.alive == {"one"}
        assert (made.fault, made.renewed_at) == ("", 7.0)
        await made.close()
        await made.close()

    assert gateway.known == {}
    assert _kinds(gateway)[0] == "PUT one"
    assert set(_kinds(gateway)[1:-1]) == {"PUT renew"}
    assert _kinds(gateway)[-1] == "DELETE one"
    assert made.fault == "the server goes"


async def test_it_waits_for_a_gateway_that_is_away_and_registers_when_it_is_back() -> None:
    gateway = StandIn()
    async with gateway:
        made = _made(gateway)
    made.begin()
    await until(lambda: made.fault.startswith("cannot be reached"))
    async with gateway:
        await until(lambda: made.fault == "")
        assert gateway.alive == {"one"}
        await made.close()


async def test_a_gateway_that_was_restarted_and_knows_nothing_is_told_again() -> None:
    async with StandIn() as gateway:
        made = _made(gateway)
        made.begin()
        await until(lambda: gateway.known)
        gateway.known.clear()
        await until(lambda: gateway.known)
        await made.close()

    assert _kinds(gateway).count("PUT one") == 2


async def test_a_gateway_that_refuses_is_asked_again_and_harms_nobody() -> None:
    async with StandIn() as gateway:
        gateway.status = 503
        made = _made(gateway)
        made.begin()
        await until(lambda: len(gateway.asked) >= 3)
        assert made.fault == "it answered 503"
        gateway.status = None
        await until(lambda: gateway.alive == {"one"})
        await made.close()


@pytest.mark.parametrize("stalls", [True, False])
async def test_leaving_ends_in_time_though_nobody_hears(
    stalls: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registering, "_LEAVE_S", 0.1)
    gateway = StandIn()
    async with gateway:
        made = _made(gateway)
        made.begin()
        await until(lambda: gateway.known)
        if stalls:
            gateway.stalls = True
            async with asyncio.timeout(5):
                await made.leave()
    async with asyncio.timeout(5):
        await made.close()


async def test_leaving_what_was_never_begun_says_nothing() -> None:
    async with StandIn() as gateway:
        await _made(gateway).close()

    assert gateway.asked == []
