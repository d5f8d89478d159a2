"""The figures of this server, for Prometheus."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from talkwire.web.principals import owner_of

PATH = "/metrics"
Render = Callable[[str], Awaitable[tuple[bytes, str]]]
"""All figures in the form that an `Accept` header asks for, and its media type."""


def router(render: Render) -> APIRouter:
    """`GET /metrics`, for keys with the scope `metrics` and for admins."""

    async def metrics(request: Request) -> Response:
        """Prometheus' text format, or OpenMetrics where that is accepted."""
        owner_of(request, "metrics")
        body, media_type = await render(request.headers.get("accept", ""))
        headers = {"Cache-Control": "no-store", "Content-Type": media_type}
        return Response(body, 200, headers)

    routes = APIRouter(tags=["metrics"])
    answers: dict[int | str, dict[str, Any]] = {
        200: {
            "description": "The figures",
            "content": {"text/plain": {}, "application/openmetrics-text": {}},
        }
    }
    routes.add_api_route(
        PATH,
        metrics,
        methods=["GET"],
        summary="The figures of this server, for Prometheus",
        response_class=Response,
        responses=answers,
    )
    return routes
