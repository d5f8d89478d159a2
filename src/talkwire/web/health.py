"""Is it alive, is it ready, and what is it.

Four levels, each as cheap as it can be: `/health/liveness` touches nothing, `/health` asks nobody,
`/health/readiness` looks at what new turns need, and `/health/detailed` (see `detailed.py`) at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from talkwire.canon.models import Standing
from talkwire.web import health_told
from talkwire.web.answers import json_answer
from talkwire.web.checks import Part, seen
from talkwire.web.page import is_wanted, page

MOST_ROUTES_TOLD = 5


class Health:
    """The health routes. New turns need all of `needed`, and one of the `routes` to whoever answers
    them, models and agents, to be reachable; that is known and not asked for.

    `degraded` names the parts that are away and can be done without, and why. `told` are further
    fields of `/health`.
    """

    def __init__(
        self,
        *,
        version: str,
        draining: Callable[[], bool],
        needed: Sequence[Part],
        service: Callable[[], Mapping[str, Any]],
        routes: Callable[[], Sequence[Standing]] | None = None,
        degraded: Callable[[], Mapping[str, str]] = dict,
        told: Callable[[], Mapping[str, Any]] = dict,
        with_page: bool = False,
    ) -> None:
        self.version = version
        self.draining = draining
        self.degraded = degraded
        self._needed = tuple(needed)
        self._routes = routes
        self._told = told
        self._service = service
        self._page = with_page
        self._since = time.monotonic()

    @property
    def uptime_s(self) -> float:
        """How long the server has been there."""
        return round(time.monotonic() - self._since, 1)

    async def health(self, request: Request) -> Response:
        """Alive, with version, uptime in seconds, and what is known of the parts; asks none."""
        degraded = dict(self.degraded())
        body = {
            "status": "degraded" if degraded else "ok",
            "version": self.version,
            "uptime_s": self.uptime_s,
            "draining": self.draining(),
            **self._told(),
        }
        return json_answer(body | ({"degraded": degraded} if degraded else {}))

    async def liveness(self, request: Request) -> Response:
        """200 while the event loop turns."""
        return json_answer({"status": "ok"})

    async def readiness(self, request: Request) -> Response:
        """200 when new turns can be taken, also without parts that only make it quicker; else 503
        with the parts that fail."""
        failing = await self.failing()
        if failing:
            return json_answer({"status": "unavailable", "failing": failing}, 503)
        if degraded := self.degraded():
            return json_answer({"status": "degraded", "degraded": dict(degraded)})
        return json_answer({"status": "ok"})

    async def failing(self) -> dict[str, str]:
        """The parts for whose sake no new turn can be taken, and why."""
        failing: dict[str, str] = {}
        if self.draining():
            failing["server"] = "draining"
        for name, each in (await seen(*self._needed)).items():
            if each.status == "down":
                failing[name] = each.why
        routes = self._routes() if self._routes is not None else ()
        if self._routes is not None and not any(each.reachable for each in routes):
            failing["models"] = why_none(routes)
        return failing

    async def service(self, request: Request) -> Response:
        """What runs here; for browsers a page to try it, where its wires are on."""
        if self._page and is_wanted(request):
            return page()
        return json_answer({"name": "talkwire", "version": self.version, **self._service()})


def why_none(routes: Sequence[Standing]) -> str:
    """Why none of them answers."""
    told = [f"{each.name}: {each.why}" for each in routes[:MOST_ROUTES_TOLD]]
    more = len(routes) - len(told)
    return "; ".join([*told, *([f"and {more} more"] if more else [])]) or "there is none"


def router(health: Health) -> APIRouter:
    """`/`, `/health`, `/health/liveness` and `/health/readiness`."""
    routes = APIRouter(tags=["health"])
    for path, handler, summary, answers in (
        ("/", health.service, "What runs here", health_told.SERVICE),
        ("/health", health.health, "Alive, and what is known of the parts", health_told.HEALTH),
        ("/health/liveness", health.liveness, "The event loop turns", health_told.LIVENESS),
        ("/health/readiness", health.readiness, "New turns are taken", health_told.READINESS),
    ):
        routes.add_api_route(
            path,
            handler,
            methods=["GET"],
            response_class=Response,
            summary=summary,
            responses=answers,
        )
    return routes
