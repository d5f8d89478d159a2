"""Tickets for clients that cannot send headers: a browser's EventSource.

A ticket opens one stream within a minute, for whoever asked for it, and nothing else.
"""

from __future__ import annotations

from typing import Protocol

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from talkwire.web.answers import json_answer
from talkwire.web.openapi import answers
from talkwire.web.principals import owner_of, principal_of
from talkwire.web.shapes import TicketShape

TTL_S = 60


class Tickets(Protocol):
    """What is asked of the store of tickets."""

    async def issue(self, principal: str, ttl_s: float) -> str:
        """A new ticket for a principal, which is the caller's own text."""
        ...

    async def spend(self, ticket: str) -> str | None:
        """The principal, once; None if the ticket is spent, expired or unknown."""
        ...


def router(tickets: Tickets) -> APIRouter:
    """`POST /tickets`."""

    async def issue(request: Request) -> Response:
        """A ticket for one stream: `?ticket=…` on a GET that streams, within a minute."""
        owner_of(request, "chat", "sessions:read")
        principal = msgspec.json.encode(principal_of(request)).decode()
        ticket = await tickets.issue(principal, TTL_S)
        return json_answer({"ticket": ticket, "expires_in": TTL_S}, 201)

    routes = APIRouter(tags=["tickets"])
    routes.add_api_route(
        "/tickets",
        issue,
        methods=["POST"],
        status_code=201,
        summary="A ticket for one stream",
        response_class=Response,
        responses=answers(TicketShape, "The ticket", status=201),
    )
    return routes
