"""Is it alive, is it ready, and what is it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from talkwire.canon.errors import TalkwireError
from talkwire.web.answers import json_answer
from talkwire.web.page import is_wanted, page

CHECK_S = 2.0  # a component that does not answer within this counts as failing
Check = Callable[[], Awaitable[object]]


class Health:
    """The health routes. `checks` are asked for readiness only, by name; they raise when ill.

    `degraded` names the parts that are away and can be done without, and why. `told` are further
    fields of `/health`.
    """

    def __init__(
        self,
        *,
        version: str,
        draining: Callable[[], bool],
        checks: Mapping[str, Check],
        service: Callable[[], Mapping[str, Any]],
        degraded: Callable[[], Mapping[str, str]] = dict,
        told: Callable[[], Mapping[str, Any]] = dict,
        with_page: bool = False,
    ) -> None:
        self._version = version
        self._draining = draining
        self._checks = dict(checks)
        self._degraded = degraded
        self._told = told
        self._service = service
        self._page = with_page
        self._since = time.monotonic()

    async def health(self, request: Request) -> Response:
        """Alive, with version, uptime in seconds, and what is known of the parts; asks none."""
        degraded = dict(self._degraded())
        body = {
            "status": "degraded" if degraded else "ok",
            "version": self._version,
            "uptime_s": round(time.monotonic() - self._since, 1),
            "draining": self._draining(),
            **self._told(),
        }
        return json_answer(body | ({"degraded": degraded} if degraded else {}))

    async def liveness(self, request: Request) -> Response:
        """200 while the event loop turns."""
        return json_answer({"status": "ok"})

    async def readiness(self, request: Request) -> Response:
        """200 when new turns can be taken, also without parts that only make it quicker; else 503
        with the parts that fail."""
        failing: dict[str, str] = {}
        if self._draining():
            failing["server"] = "draining"
        for name, check in self._checks.items():
            fault = await _ask(check)
            if fault is not None:
                failing[name] = fault
        if failing:
            return json_answer({"status": "unavailable", "failing": failing}, 503)
        if degraded := self._degraded():
            return json_answer({"status": "degraded", "degraded": dict(degraded)})
        return json_answer({"status": "ok"})

    async def service(self, request: Request) -> Response:
        """What runs here; for browsers a page to try it, where its wires are on."""
        if self._page and is_wanted(request):
            return page()
        return json_answer({"name": "talkwire", "version": self._version, **self._service()})


async def _ask(check: Check) -> str | None:
    """None when well; else why not, in words that are safe to show."""
    try:
        async with asyncio.timeout(CHECK_S):
            await check()
    except TalkwireError as error:
        return error.message
    except TimeoutError:
        return f"no answer within {CHECK_S:g} s"
    return None


def router(health: Health) -> APIRouter:
    """`/`, `/health`, `/health/liveness` and `/health/readiness`."""
    routes = APIRouter(tags=["health"])
    for path, handler in (
        ("/", health.service),
        ("/health", health.health),
        ("/health/liveness", health.liveness),
        ("/health/readiness", health.readiness),
    ):
        routes.add_api_route(path, handler, methods=["GET"], response_class=Response)
    return routes
