"""All parts, for admins, without secrets."""

from __future__ import annotations

from typing import Any

import httpx2
import jsonschema
import pytest
from fastapi import FastAPI
from starlette.middleware import Middleware

from talkwire.canon.errors import Unavailable
from talkwire.web import detailed, faults, health_told
from talkwire.web.auth import Trust
from talkwire.web.checks import Found, Part
from talkwire.web.detailed import Detailed
from talkwire.web.health import Health
from talkwire.web.principals import LOCAL, Principal

SECRET = "canary-of-a-password"


async def well() -> Found:
    return Found({"server": f"at {SECRET}", "pool": {"in_use": 1}, "list": [SECRET, None, 2.5]})


async def slow() -> Found:
    return Found(fault="Slow.")


async def gone() -> Found:
    raise Unavailable(f"Nobody at {SECRET}. " + "x" * 2000)


async def ask(
    *parts: Part, needed: tuple[Part, ...] = (), who: Principal = LOCAL
) -> tuple[int, dict[str, Any]]:
    health = Health(version="1", draining=lambda: False, needed=needed, service=dict)
    shown = Detailed(
        health,
        parts,
        hide=lambda text: text.replace(SECRET, "***"),
        fixed={"versions": {"python": "3"}, "limits": {"rpm": None}},
    )
    app = FastAPI(
        exception_handlers=faults.HANDLERS,
        middleware=[Middleware(faults.Faults), Middleware(Trust, hosts=(), everyone=who)],
    )
    app.include_router(detailed.router(shown))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        response = await client.get("/health/detailed")
    assert SECRET not in response.text
    return response.status_code, response.json()


async def test_each_part_tells_how_it_is() -> None:
    status, body = await ask(Part("store", well), Part("redis", slow), Part("voice", gone))

    assert (status, body["status"]) == (200, "degraded")
    components = body["components"]
    assert list(components) == ["store", "redis", "voice"]
    assert [each["status"] for each in components.values()] == ["ok", "degraded", "down"]
    assert components["store"]["pool"] == {"in_use": 1}
    assert components["store"]["last_error"] is None
    assert components["voice"]["why"].startswith("Nobody at ***.")
    assert components["voice"]["last_error_at"].endswith("Z")
    assert len(components["voice"]["why"]) < 600
    schema = health_told.DETAILED[200]["content"]["application/json"]["schema"]
    jsonschema.validate(body, schema)


async def test_all_is_well_when_every_part_is() -> None:
    assert (await ask(Part("store", well)))[1]["status"] == "ok"


async def test_what_makes_it_unready_is_named() -> None:
    part = Part("store", gone)

    status, body = await ask(part, needed=(part,))

    assert (status, body["status"]) == (200, "unavailable")
    assert body["failing"]["store"].startswith("Nobody at ***.")


@pytest.mark.parametrize("scopes", [frozenset(), frozenset({"chat", "metrics"})])
async def test_it_is_for_admins(scopes: frozenset[str]) -> None:
    status, body = await ask(Part("store", well), who=Principal("ann", scopes=scopes))

    assert (status, body["code"]) == (403, "forbidden")
