"""Errors in the OpenAPI document; their examples are what a wire makes of such errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from starlette.types import Scope

from talkwire.canon.errors import TalkwireError
from talkwire.web.faults import problem
from talkwire.web.form import Fault
from talkwire.web.parameters import REQUEST_ID

PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail", "request_id", "retryable"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "What went wrong, for programs."},
        "detail": {"type": "string", "description": "What went wrong, for people."},
        "request_id": {"type": "string"},
        "retryable": {"type": "boolean", "description": "Whether asking again may help."},
        "param": {"type": "string", "description": "The field that is at fault."},
        "turn_id": {"type": "string", "description": "The turn that is in the way."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
"""An error as `faults.problem` tells it (RFC 9457)."""

ALWAYS: Mapping[int, tuple[str, str]] = {
    400: ("Not understood", "invalid_request"),
    401: ("No key, or one that is not known", "unauthorized"),
    403: ("The key may not do this, or the request comes from another site", "forbidden"),
    408: ("The body took too long to arrive", "request_timeout"),
    413: ("The body is too large", "payload_too_large"),
    421: ("The request was meant for another host", "misdirected_request"),
    429: ("Too much was asked for of late", "rate_limited"),
    431: ("The headers are too large", "headers_too_large"),
    500: ("Something went wrong here", "internal_error"),
    503: ("Not now", "unavailable"),
}
"""The problems that every route has: why, and the code, by their status."""


class Told(Protocol):
    """How a problem is told: an answer of the document, with an example."""

    def __call__(self, why: str, status: int = 500, code: str = "") -> dict[str, Any]: ...


def in_form(
    fault: Fault,
    path: str,
    schema: Mapping[str, Any],
) -> Told:
    """Problems as `fault` tells them on this path; `schema` is theirs, where they are JSON."""
    scope: Scope = {"path": path, "headers": [], "talkwire.request_id": REQUEST_ID}

    def tell(why: str, status: int = 500, code: str = "") -> dict[str, Any]:
        error = TalkwireError(why + ".", code=code or code_of(status))
        error.status = status
        error.retryable = status in (429, 502, 503, 504)
        _, body, media_type = fault(error, scope)
        is_json = media_type.endswith("json")
        shown = json.loads(body) if is_json else body.decode()
        told = {"schema": dict(schema) if is_json else {"type": "string"}, "example": shown}
        return {"description": why, "content": {media_type.partition(";")[0]: told}}

    return tell


def code_of(status: int) -> str:
    """The usual code of an error with this status."""
    return ALWAYS[status][1] if status in ALWAYS else _CODES.get(status, "internal_error")


_CODES = {
    404: "not_found",
    409: "turn_in_progress",
    415: "unsupported_media_type",
    422: "invalid_request",
    502: "upstream_error",
    504: "upstream_timeout",
}


problem_answer: Told = in_form(problem, "/", PROBLEM)
