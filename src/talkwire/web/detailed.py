"""`GET /health/detailed`: each part of the server as it is, for whoever runs it.

All parts are looked at at the same time, each for a bounded time, and what was found is shared by
all who ask within a second. What a part says of itself goes through `hide` before anybody sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from talkwire.web import health_told
from talkwire.web.answers import json_answer
from talkwire.web.checks import Part, Seen, seen
from talkwire.web.health import Health
from talkwire.web.principals import owner_of

MOST_CHARS = 500
"""The longest text that is shown of anything."""


class Detailed:
    """The route. `fixed` is what does not change while the server runs."""

    def __init__(
        self,
        health: Health,
        parts: Sequence[Part],
        *,
        hide: Callable[[str], str],
        fixed: Mapping[str, Any],
    ) -> None:
        self._health = health
        self._parts = tuple(parts)
        self._hide = hide
        self._fixed = dict(fixed)

    async def detailed(self, request: Request) -> Response:
        """Each part: status, latency, its last error and when, and what else it tells. For admins,
        where keys are asked for. Always 200: it is about the parts, and not about the server."""
        owner_of(request, "admin")
        found = await seen(*self._parts)
        failing = await self._health.failing()
        body: dict[str, Any] = {
            "status": _overall(failing, self._health.degraded(), found),
            "version": self._health.version,
            "uptime_s": self._health.uptime_s,
            "draining": self._health.draining(),
            **self._fixed,
            "components": {part.name: _shown(part, found[part.name]) for part in self._parts},
        }
        if failing:
            body["failing"] = failing
        return json_answer(_hidden(body, self._hide))


def _overall(
    failing: Mapping[str, str], degraded: Mapping[str, str], found: Mapping[str, Seen]
) -> Literal["ok", "degraded", "unavailable"]:
    if failing:
        return "unavailable"
    unwell = any(each.status != "ok" for each in found.values())
    return "degraded" if degraded or unwell else "ok"


def _shown(part: Part, seen: Seen) -> dict[str, Any]:
    at = part.last_error_at
    return {
        "status": seen.status,
        "latency_ms": seen.latency_ms,
        **({"why": seen.why} if seen.why else {}),
        "last_error": part.last_error or None,
        "last_error_at": None if at is None else _time(at),
        **seen.facts,
    }


def _time(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _hidden(value: Any, hide: Callable[[str], str]) -> Any:
    """The same without secrets, and without texts that have no end."""
    if isinstance(value, str):
        text = hide(value)
        return text if len(text) <= MOST_CHARS else text[:MOST_CHARS] + "…"
    if isinstance(value, Mapping):
        return {key: _hidden(inner, hide) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden(inner, hide) for inner in value]
    return value


def router(detailed: Detailed) -> APIRouter:
    """`/health/detailed`."""
    routes = APIRouter(tags=["health"])
    routes.add_api_route(
        "/health/detailed",
        detailed.detailed,
        methods=["GET"],
        response_class=Response,
        summary="Each part of the server as it is",
        responses=health_told.DETAILED,
    )
    return routes
