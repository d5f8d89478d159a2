"""Tickets are for those who may follow a stream."""

from __future__ import annotations

import json

import msgspec
import pytest
from fastapi.routing import APIRoute
from starlette.requests import Request

from talkwire.canon.errors import Forbidden
from talkwire.web.principals import PRINCIPAL, Principal
from talkwire.web.tickets import TTL_S, router
from tests.web.wire import scope


class Issued:
    def __init__(self) -> None:
        self.to: list[tuple[str, float]] = []

    async def issue(self, principal: str, ttl_s: float) -> str:
        self.to.append((principal, ttl_s))
        return "once"

    async def spend(self, ticket: str) -> str | None:
        return None


async def ask(tickets: Issued, principal: Principal) -> object:
    (route,) = router(tickets).routes
    assert isinstance(route, APIRoute)
    given = scope("/tickets", "POST")
    given[PRINCIPAL] = principal
    response = await route.endpoint(Request(given))
    assert response.headers["cache-control"] == "no-store"
    return json.loads(response.body)


async def test_a_ticket_is_issued_to_who_asks() -> None:
    tickets = Issued()
    ann = Principal("ann", "k1", rpm=5)

    assert await ask(tickets, ann) == {"ticket": "once", "expires_in": TTL_S}
    assert tickets.to == [(msgspec.json.encode(ann).decode(), TTL_S)]


async def test_who_may_follow_nothing_gets_none() -> None:
    tickets = Issued()
    with pytest.raises(Forbidden):
        await ask(tickets, Principal("ann", scopes=frozenset({"metrics"})))

    assert tickets.to == []
