"""Plain JSON answers."""

from __future__ import annotations

import msgspec
from starlette.responses import Response


def json_answer(value: object, status: int = 200) -> Response:
    """The value as JSON. Answers hold what people said: no cache may keep them."""
    body = msgspec.json.encode(value)
    return Response(body, status, {"Cache-Control": "no-store"}, "application/json")
