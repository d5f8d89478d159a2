"""Is it alive, is it ready, and what is it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from talkwire.canon.errors import StorageUnavailable
from talkwire.canon.models import Standing
from talkwire.web import health
from talkwire.web.checks import Found, Look, Part
from talkwire.web.health import Health, why_none
from tests.web.wire import client_of

AWAY = {"scenarios": "catalogue.json:7: no subcategory"}


async def well() -> Found:
    return Found()


async def slow() -> Found:
    return Found(fault="It takes long.")


async def ill() -> Found:
    raise StorageUnavailable("The disk is full.")


async def silent() -> Found:
    await asyncio.Event().wait()
    return Found()


UP, DOWN = (
    Standing("small", "local"),
    Standing("large", "cloud", healthy=False, reachable=False, why="it failed"),
)
LIMITED = Standing("busy", "cloud", healthy=False, why="it limits the rate of requests")


async def ask(
    path: str,
    *,
    draining: bool = False,
    check: Look = well,
    models: Sequence[Standing] | None = None,
    degraded: Mapping[str, str] | None = None,
) -> tuple[int, object]:
    routes = health.router(
        Health(
            version="1.2.3",
            draining=lambda: draining,
            needed=[Part("store", check, within_s=0.05)],
            routes=None if models is None else lambda: models,
            degraded=lambda: degraded or {},
            told=lambda: {"total_scenarios": 7},
            service=lambda: {"model": "demo", "demo": True},
        )
    )
    async with client_of(routes) as client:
        response = await client.get(path)
    return response.status_code, response.json()


async def test_the_root_tells_what_runs_here() -> None:
    assert await ask("/") == (
        200,
        {"name": "talkwire", "version": "1.2.3", "model": "demo", "demo": True},
    )


async def test_liveness_touches_nothing() -> None:
    assert await ask("/health/liveness", draining=True, check=silent) == (200, {"status": "ok"})


async def test_health_tells_version_and_uptime() -> None:
    status, body = await ask("/health", check=ill)

    assert status == 200
    assert isinstance(body, dict)
    assert (body["status"], body["version"]) == ("ok", "1.2.3")
    assert body["uptime_s"] >= 0
    assert body["total_scenarios"] == 7
    assert "degraded" not in body


async def test_what_can_be_done_without_is_told_with_its_reason() -> None:
    status, body = await ask("/health", degraded=AWAY)

    assert status == 200
    assert isinstance(body, dict)
    assert (body["status"], body["degraded"]) == ("degraded", AWAY)
    assert await ask("/health/readiness", degraded=AWAY) == (
        200,
        {"status": "degraded", "degraded": AWAY},
    )


async def test_ready_when_every_part_answers() -> None:
    assert await ask("/health/readiness") == (200, {"status": "ok"})


async def test_not_ready_while_draining_or_with_an_ill_part() -> None:
    status, body = await ask("/health/readiness", draining=True, check=ill)

    assert status == 503
    assert body == {
        "status": "unavailable",
        "failing": {"server": "draining", "store": "The disk is full."},
    }


async def test_a_part_that_does_not_answer_is_ill() -> None:
    status, body = await ask("/health/readiness", check=silent)

    assert (status, body) == (
        503,
        {"status": "unavailable", "failing": {"store": "no answer within 0.05 s"}},
    )


async def test_a_part_that_is_only_slow_hinders_nobody() -> None:
    assert await ask("/health/readiness", check=slow) == (200, {"status": "ok"})


async def test_one_route_to_an_answer_is_enough_and_none_is_not() -> None:
    assert await ask("/health/readiness", models=[DOWN, UP]) == (200, {"status": "ok"})
    assert await ask("/health/readiness", models=[DOWN, LIMITED]) == (200, {"status": "ok"})
    assert await ask("/health/readiness", models=[DOWN]) == (
        503,
        {"status": "unavailable", "failing": {"models": "large: it failed"}},
    )
    assert await ask("/health/readiness", models=[]) == (
        503,
        {"status": "unavailable", "failing": {"models": "there is none"}},
    )


def test_of_many_routes_that_fail_some_are_named() -> None:
    assert why_none([DOWN] * 7) == "; ".join(["large: it failed"] * 5 + ["and 2 more"])
