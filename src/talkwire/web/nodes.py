"""The nodes that serve together, for whoever runs them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from fastapi import APIRouter
from msgspec import structs
from starlette.requests import Request
from starlette.responses import Response

from talkwire.canon.records import NodeRecord
from talkwire.web.answers import json_answer
from talkwire.web.openapi import answers
from talkwire.web.principals import owner_of
from talkwire.web.shapes import NodesShape

Listed = Callable[[], Awaitable[Sequence[NodeRecord]]]


def router(listed: Listed, *, dead_after_s: float) -> APIRouter:
    """`GET /nodes`, for admins."""

    async def nodes(request: Request) -> Response:
        """Each node with its silence, whether that counts as dead, and the turns it runs."""
        owner_of(request, "admin")
        found = [_shown(node, dead_after_s) for node in await listed()]
        return json_answer({"nodes": found, "total": len(found)})

    routes = APIRouter(tags=["nodes"])
    routes.add_api_route(
        "/nodes",
        nodes,
        methods=["GET"],
        summary="The nodes and their running turns",
        response_class=Response,
        responses=answers(NodesShape, "All nodes, those that are dead too"),
    )
    return routes


def _shown(node: NodeRecord, dead_after_s: float) -> dict[str, Any]:
    alive = node.silent_ms < dead_after_s * 1000
    return {**structs.asdict(node), "alive": alive, "turns": list(map(structs.asdict, node.turns))}
