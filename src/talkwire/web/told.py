"""How values are told in answers and frames: times, and what a model wrote for a tool."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from talkwire.canon.errors import BadRequest
from talkwire.web.limits import JSON_DEPTH, parse_object

NO_OBJECT = "_not_a_json_object"
"""Stands in `arguments` before what the model wrote, where that is no JSON object."""

_LAST_MS = 253_402_300_799_999


def rfc3339(at: int) -> str:
    """Unix milliseconds as RFC 3339 writes them, in UTC; it knows no year beyond 9999."""
    seconds, ms = divmod(min(at, _LAST_MS), 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ms:03}Z"


def arguments_of(written: str) -> dict[str, Any]:
    """A call's arguments as an object: any deeper than `JSON_DEPTH`, no frame could be written."""
    try:
        return parse_object(written.encode(), depth=JSON_DEPTH)
    except BadRequest:
        return {NO_OBJECT: written}
