"""What handlers that read the request themselves tell the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from pydantic import BaseModel, ConfigDict

from talkwire.web.frames import json_line
from talkwire.web.parameters import CURSOR, NAMES, PATHS, Parameter
from talkwire.web.problems import ALWAYS, Told, code_of, problem_answer


def example(**value: Any) -> ConfigDict:
    """The configuration of a shape that has this example."""
    return ConfigDict(json_schema_extra={"examples": [value]})


def asks(*shapes: type[BaseModel], query: bool = False) -> dict[str, Any]:
    """The shape as the operation's JSON body, or as its query parameters; of several, one of them.

    A query has no word for one-of: parameters that only some shapes require are told as optional.
    """
    if not query:
        content = {"application/json": one_of(*shapes)}
        return {"requestBody": {"required": True, "content": content}}
    told = [_told(shape) for shape in shapes]
    schemas = [each["schema"] for each in told]
    required = set.intersection(*(set(schema.get("required", ())) for schema in schemas))
    given = {name: value for each in told for name, value in each.get("example", {}).items()}
    fields = {name: each for schema in schemas for name, each in schema["properties"].items()}
    return {
        "parameters": [
            {
                "name": name,
                "in": "query",
                "required": name in required,
                "schema": _without_null(each),
                **({"example": given[name]} if name in given else {}),
            }
            for name, each in fields.items()
        ]
    }


def together(*parts: Mapping[str, Any] | Parameter) -> dict[str, Any]:
    """What several say of one operation: all their parameters, and whatever else."""
    told: dict[str, Any] = {}
    parameters: list[Any] = []
    for part in parts:
        if "in" in part:
            parameters.append(dict(part))
        else:
            told |= {name: value for name, value in part.items() if name != "parameters"}
            parameters += part.get("parameters", [])
    return {**told, **({"parameters": parameters} if parameters else {})}


def one_of(*shapes: type[BaseModel]) -> dict[str, Any]:
    """JSON of one of these shapes."""
    told = [_told(shape) for shape in shapes]
    if len(told) == 1:
        return told[0]
    examples = {
        each["schema"]["title"]: {"value": each["example"]} for each in told if "example" in each
    }
    schema = {"oneOf": [each["schema"] for each in told]}
    return {"schema": schema, **({"examples": examples} if examples else {})}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query has no word for null: what is not given is left out."""
    several = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if len(several) != 1:
        return schema
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    return {**several[0], **rest}


def schema_of(shape: type[BaseModel]) -> dict[str, Any]:
    """The shape's JSON Schema, with all that it is made of in its place."""
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
    """Path parameters; those that ids are given for are told with their form."""
    plain: dict[str, Any] = {"in": "path", "required": True, "schema": {"type": "string"}}
    return {"parameters": [{"name": name, **plain, **PATHS.get(name, {})} for name in names]}


Answers = dict[int | str, dict[str, Any]]


def answers(
    shape: type[BaseModel] | None,
    good: str,
    problems: Mapping[int, str] | None = None,
    *,
    status: int = 200,
    told: Told | None = None,
) -> Answers:
    """What a route answers: `shape` as JSON, or nothing; the problems are those of its own, told
    beside those that every route has. A shape's examples stand in its `json_schema_extra`.
    """
    content = {} if shape is None else {"application/json": _told(shape)}
    all_: Answers = {status: {"description": good, **({"content": content} if content else {})}}
    return all_ | refusals(problems or {}, told)


def refusals(problems: Mapping[int, str], told: Told | None = None) -> Answers:
    """The problems of a route, in words by their status, and those that every route has."""
    tell = told or problem_answer
    all_: Answers = {code: tell(why, code, name) for code, (why, name) in ALWAYS.items()}
    all_ |= {code: tell(why, code, code_of(code)) for code, why in problems.items()}
    return all_ | {"default": tell("Any other error")}


_STARTING = {
    404: "No such turn, session, agent, model or prompt",
    409: "The session is busy, or the key is taken",
    415: "The body is not JSON",
    422: "A field is not acceptable",
}
_FAILING = {502: "The model failed", 504: "The model took too long"}


def _told(shape: type[BaseModel]) -> dict[str, Any]:
    schema = schema_of(shape)
    examples = schema.pop("examples", [])
    return {"schema": schema, **({"example": examples[0]} if examples else {})}


def whole_answers(shape: type[BaseModel], good: str, told: Told | None = None) -> Answers:
    """What a route answers with the whole of a turn."""
    content = {"application/json": _told(shape)}
    all_: Answers = {200: {"description": good, "content": content, "headers": dict(NAMES)}}
    return all_ | refusals({**_STARTING, **_FAILING}, told)


Frame = dict[str, Any]


def frame(
    *events: str, data: Mapping[str, Any] | None = None, example: Mapping[str, Any] | str = ""
) -> Frame:
    """One frame of a stream, as EventSource tells it. `events` are its names, where it has one;
    `data` is the schema of what it says, where that is JSON.
    """
    says: dict[str, Any] = {"type": "string"}
    if data is not None:
        says |= {"contentMediaType": "application/json", "contentSchema": dict(data)}
    name: dict[str, Any] = {"enum": list(events)} if events else {"const": "message"}
    shown = example if isinstance(example, str) else json_line(example).decode()
    told: Frame = {
        "type": "object",
        "required": ["event", "data"],
        "properties": {
            "event": {"type": "string", **name},
            "data": {**says, **({"examples": [shown]} if shown else {})},
            "id": {"type": "string", "pattern": CURSOR},
        },
    }
    return told


ANY_FRAME: Frame = {
    "type": "object",
    "required": ["data"],
    "properties": {
        "event": {"type": "string"},
        "data": {"type": "string"},
        "id": {"type": "string", "pattern": CURSOR},
    },
}


def stream_answers(*frames: Frame, told: Told | None = None) -> Answers:
    """What a stream route answers: each of its frames is one of these."""
    schema = {"anyOf": list(frames)} if len(frames) > 1 else (frames or (ANY_FRAME,))[0]
    content = {"text/event-stream": {"schema": schema}}
    all_: Answers = {
        200: {"description": "The turn's frames", "content": content, "headers": NAMES},
        204: {"description": "The turn has ended and its last frame was seen", "headers": NAMES},
    }
    return deepcopy(all_) | refusals(_STARTING, told)
