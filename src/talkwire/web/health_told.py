"""What the health routes answer, for the OpenAPI document: schemas and examples."""

from __future__ import annotations

from typing import Any

Answers = dict[int | str, dict[str, Any]]

_TEXT: dict[str, Any] = {"type": "string"}
_NUMBER: dict[str, Any] = {"type": "number"}
_ANY: dict[str, Any] = {"type": "object", "additionalProperties": True}
_WHYS: dict[str, Any] = {"type": "object", "additionalProperties": _TEXT}
_AWAY = {"redis": "cannot be reached"}


def _one_of(*words: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(words)}


def _answer(
    description: str, properties: dict[str, Any], *required: str, example: dict[str, Any]
) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": True,
    }
    content = {"application/json": {"schema": schema, "example": example}}
    return {"description": description, "content": content}


SERVICE: Answers = {
    200: _answer(
        "Name, version, wires and models; for browsers a page",
        {"name": _TEXT, "version": _TEXT, "wires": {"type": "array", "items": _TEXT}},
        "name",
        "version",
        example={"name": "talkwire", "version": "0.1.0", "wires": ["agent-chat"], "docs": "/docs"},
    )
}
HEALTH: Answers = {
    200: _answer(
        "It is alive",
        {
            "status": _one_of("ok", "degraded"),
            "version": _TEXT,
            "uptime_s": _NUMBER,
            "draining": {"type": "boolean"},
            "scenarios_loaded": {"type": "boolean"},
            "total_scenarios": {"type": "integer"},
            "degraded": _WHYS,
        },
        *("status", "version", "uptime_s", "draining"),
        example={
            "status": "degraded",
            "version": "0.1.0",
            "uptime_s": 86412.7,
            "draining": False,
            "scenarios_loaded": True,
            "total_scenarios": 42,
            "degraded": _AWAY,
        },
    )
}
LIVENESS: Answers = {
    200: _answer("It answers", {"status": _one_of("ok")}, "status", example={"status": "ok"})
}
READINESS: Answers = {
    200: _answer(
        "New turns are taken",
        {"status": _one_of("ok", "degraded"), "degraded": _WHYS},
        "status",
        example={"status": "ok"},
    ),
    503: _answer(
        "New turns are not taken, for these reasons",
        {"status": _one_of("unavailable"), "failing": _WHYS},
        *("status", "failing"),
        example={"status": "unavailable", "failing": {"server": "draining"}},
    ),
}

_PROBLEM = {
    "application/problem+json": {
        "schema": _ANY,
        "example": {
            "type": "about:blank",
            "title": "Forbidden",
            "status": 403,
            "code": "forbidden",
            "detail": "This key may not do that; it needs the scope admin.",
            "request_id": "req_0b6f",
            "retryable": False,
        },
    }
}
_COMPONENT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "status": _one_of("ok", "degraded", "down"),
        "latency_ms": _NUMBER,
        "why": _TEXT,
        "last_error": {"type": ["string", "null"]},
        "last_error_at": {"type": ["string", "null"], "format": "date-time"},
    },
    "required": ["status", "latency_ms", "last_error", "last_error_at"],
    "additionalProperties": True,
}
DETAILED: Answers = {
    200: _answer(
        "Each part as it is, whether the server is ready or not",
        {
            "status": _one_of("ok", "degraded", "unavailable"),
            "failing": _WHYS,
            "version": _TEXT,
            "uptime_s": _NUMBER,
            "draining": {"type": "boolean"},
            "versions": _WHYS,
            "limits": _ANY,
            "components": {"type": "object", "additionalProperties": _COMPONENT},
        },
        *("status", "version", "uptime_s", "draining", "versions", "limits", "components"),
        example={
            "status": "degraded",
            "version": "0.1.0",
            "uptime_s": 86412.7,
            "draining": False,
            "versions": {"talkwire": "0.1.0", "python": "3.11.7"},
            "limits": {"max_running": 10000, "body_bytes": 1048576},
            "components": {
                "store": {
                    "status": "ok",
                    "latency_ms": 0.8,
                    "last_error": None,
                    "last_error_at": None,
                    "server": "PostgreSQL 18.4",
                    "schema": "0005",
                    "pool": {"size": 4, "in_use": 1, "overflow": 0, "most": 14},
                },
                "redis": {
                    "status": "down",
                    "latency_ms": 200.3,
                    "why": "no answer in time",
                    "last_error": "no answer in time",
                    "last_error_at": "2026-11-29T04:31:54Z",
                },
            },
        },
    ),
    401: {"description": "A key is needed", "content": _PROBLEM},
    403: {"description": "The key is no admin's", "content": _PROBLEM},
}
