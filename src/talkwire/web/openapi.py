"""What handlers that read the request themselves tell the OpenAPI document."""

from __future__ import annotations

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


def stream_answers() -> dict[int | str, dict[str, Any]]:
    """What a stream route answers."""
    problems = {"application/problem+json": {"schema": {"type": "object"}}}
    return {
        200: {
            "description": "The turn's frames",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        204: {"description": "The turn has ended and its last frame was seen"},
        400: {"description": "Not understood", "content": problems},
        404: {"description": "No such turn, model or prompt", "content": problems},
        409: {"description": "The session is busy, or the key is taken", "content": problems},
        422: {"description": "A field is not acceptable", "content": problems},
        503: {"description": "Not now", "content": problems},
    }
