"""What handlers that read the request themselves tell the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel


def asks(*shapes: type[BaseModel], query: bool = False) -> dict[str, Any]:
    """The shape as the operation's JSON body, or as its query parameters; of several, one of them.

    A query has no word for one-of: parameters that only some shapes require are told as optional.
    """
    schemas = [_schema(shape) for shape in shapes]
    if not query:
        schema = schemas[0] if len(schemas) == 1 else {"oneOf": schemas}
        return {
            "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}
        }
    required = set.intersection(*(set(schema.get("required", ())) for schema in schemas))
    fields = {name: each for schema in schemas for name, each in schema["properties"].items()}
    parameters = [
        {"name": name, "in": "query", "required": name in required, "schema": each}
        for name, each in fields.items()
    ]
    return {"parameters": parameters}


def _schema(shape: type[BaseModel]) -> dict[str, Any]:
    schema = shape.model_json_schema()
    inlined: dict[str, Any] = _inlined(schema, schema.pop("$defs", {}))
    return inlined


def _inlined(schema: Any, known: dict[str, Any]) -> Any:
    """The schema without references: they would be looked for at the document's root."""
    if isinstance(schema, list):
        return [_inlined(each, known) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        return _inlined({**known[name], **rest}, known)
    return {key: _inlined(value, known) for key, value in schema.items()}


def named(*names: str) -> dict[str, Any]:
    """Path parameters that are strings."""
    return {
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in names
        ]
    }


Answers = dict[int | str, dict[str, Any]]

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

_ALWAYS = {
    400: ("Not understood", "invalid_request"),
    401: ("No key, or one that is not known", "unauthorized"),
    403: ("The key may not do this", "forbidden"),
    429: ("Too much was asked for of late", "rate_limited"),
    503: ("Not now", "unavailable"),
}


def answers(
    shape: type[BaseModel] | None,
    good: str,
    problems: Mapping[int, str] | None = None,
    *,
    status: int = 200,
) -> Answers:
    """What a route answers: `shape` as JSON, or nothing; the problems are those of its own, told
    beside those that every route has. A shape's examples stand in its `json_schema_extra`.
    """
    content = {} if shape is None else {"application/json": _told(shape)}
    told: Answers = {status: {"description": good, **({"content": content} if content else {})}}
    return told | refusals(problems or {})


def refusals(problems: Mapping[int, str]) -> Answers:
    """The problems of a route, in words by their status, and those that every route has."""
    told: Answers = {code: problem_answer(why, code, name) for code, (why, name) in _ALWAYS.items()}
    told |= {code: problem_answer(why, code) for code, why in problems.items()}
    return told | {"default": problem_answer("Any other error")}


def problem_answer(why: str, status: int = 500, code: str = "") -> dict[str, Any]:
    """One problem, with an example."""
    example = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code or _CODES.get(status, "internal_error"),
        "detail": why + ".",
        "request_id": "req_06gvngn5rqp5rtpsns4g0lle2g",
        "retryable": status in (429, 502, 503, 504),
    }
    told = {"schema": PROBLEM, "example": example}
    return {"description": why, "content": {"application/problem+json": told}}


_CODES = {
    404: "not_found",
    409: "turn_in_progress",
    413: "payload_too_large",
    415: "unsupported_media_type",
    422: "invalid_request",
    502: "upstream_error",
    504: "upstream_timeout",
}


def _told(shape: type[BaseModel]) -> dict[str, Any]:
    schema = _schema(shape)
    examples = schema.pop("examples", [])
    return {"schema": schema, **({"example": examples[0]} if examples else {})}


def stream_answers() -> Answers:
    """What a stream route answers."""
    frames = {"text/event-stream": {"schema": {"type": "string"}}}
    told: Answers = {
        200: {"description": "The turn's frames", "content": frames},
        204: {"description": "The turn has ended and its last frame was seen"},
    }
    return told | refusals(
        {
            404: "No such turn, session, agent, model or prompt",
            409: "The session is busy, or the key is taken",
            422: "A field is not acceptable",
        }
    )
