"""Is it alive, is it ready, and what is it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from talkwire.canon.errors import StorageUnavailable
from talkwire.web import health
from talkwire.web.health import Check, Health
from tests.web.wire import client_of

AWAY = {"scenarios": "catalogue.json:7: no subcategory"}


async def well() -> None:
    return None


async def ill() -> None:
    raise StorageUnavailable("The disk is full.")


async def silent() -> None:
    await asyncio.Event().wait()


async def ask(
    path: str,
    *,
    draining: bool = False,
    check: Check = well,
    degraded: Mapping[str, str] | None = None,
) -> tuple[int, object]:
    routes = health.router(
        Health(
            version="1.2.3",
            draining=lambda: draining,
            checks={"store": check},
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


async def test_a_part_that_does_not_answer_is_ill(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "CHECK_S", 0.01)

    status, body = await ask("/health/readiness", check=silent)

    assert (status, body) == (
        503,
        {"status": "unavailable", "failing": {"store": "no answer within 0.01 s"}},
    )
