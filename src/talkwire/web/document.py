"""The OpenAPI document: what the routes say of themselves, and what holds for all of them.

FastAPI leaves out what is null, in examples too, so answers and bodies are taken from the routes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import BaseRoute

from talkwire.web.parameters import REQUEST, REQUEST_ID
from talkwire.web.problems import ALWAYS, PROBLEM, problem_answer

Operation = dict[str, Any]

DESCRIPTION = """\
One conversation engine behind every chat wire.

What a client has seen of an answer is never lost or doubled: each frame of a stream has an id, and
a request with `Last-Event-ID` is sent what comes after it, from any server. Errors are told as
`application/problem+json` (RFC 9457), but for wires that have a form of their own.
"""
LICENCE = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
TAGS: Mapping[str, str] = {
    "responses-sse": "The wire of OpenAI's Responses API over EventSource, with speech.",
    "agent-chat": "The wire of accounts: sessions, agents, voice.",
    "tool-chat": "The wire of models that call tools, with a person who agrees to calls.",
    "support": "The wire of help desks: answers from scenarios.",
    "routed-chat": "The wire that chooses a model for each message.",
    "native": "Turns as they are: started, followed, stopped, and asked again.",
    "mcp": "The Model Context Protocol: this server as tools of another model.",
    "sessions": "Conversations of all wires.",
    "usage": "What was used, and what it cost.",
    "tickets": "For clients that cannot send headers.",
    "nodes": "The processes that serve together.",
    "health": "Is it alive, is it ready, and what is it.",
    "metrics": "Figures for Prometheus.",
}
SCHEMES: Mapping[str, Mapping[str, str]] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, or a JWT."},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key."},
    "ticket": {
        "type": "apiKey",
        "in": "query",
        "name": "ticket",
        "description": "For one stream, within a minute: see `POST /tickets`.",
    },
}
_HEADER = {"$ref": "#/components/headers/X-Request-Id"}
_REQUEST = {"$ref": "#/components/parameters/X-Request-Id"}
_REQUEST_ID = {
    "description": "The request's id, for whoever looks into the log.",
    "required": True,
    "schema": {"type": "string"},
    "example": REQUEST_ID,
}
_OTHER = "Any other error"
_OF_BODIES = {415: "The body is not JSON", 422: "A field is not acceptable"}
# Ids that an answer has, and the operations that take them.
_LINKED = ("turn_id", "session_id", "message_id", "tool_call_id")
_IN_HEADERS = {"X-Turn-Id": "turn_id", "X-Session-Id": "session_id"}


@dataclass(frozen=True)
class Doors:
    """What asks for a key: all paths but the `public` ones, those of `bearer` for a bearer's alone.
    With `open_to_all` nobody has to show one.
    """

    public: Collection[str] = ()
    bearer: Collection[str] = ()
    open_to_all: bool = True


def completed(
    document: Mapping[str, Any], routes: Sequence[BaseRoute], doors: Doors
) -> dict[str, Any]:
    """The document as it is served; `document` is FastAPI's of these routes."""
    whole = deepcopy(dict(document))
    whole["info"] = {**whole["info"], "description": DESCRIPTION, "license": LICENCE}
    whole["servers"] = [{"url": "/", "description": "This server."}]
    for route, method, operation in _operations(whole, routes):
        _complete(operation, route, method, doors)
    operations = [(path, op) for path, ops in whole["paths"].items() for op in ops.values()]
    _link(operations)
    used = dict.fromkeys(tag for _, operation in operations for tag in operation.get("tags", ()))
    whole["tags"] = [{"name": tag, "description": TAGS.get(tag, "")} for tag in used]
    components = whole.setdefault("components", {})
    components["securitySchemes"] = {name: dict(each) for name, each in SCHEMES.items()}
    components["schemas"] = {**components.get("schemas", {}), "Problem": deepcopy(PROBLEM)}
    shared = _shared()
    components["headers"] = {"X-Request-Id": dict(_REQUEST_ID)}
    components["parameters"] = {"X-Request-Id": dict(REQUEST)}
    whole["paths"] = _shorter(whole["paths"], shared)
    components["responses"] = _shorter(shared, {})
    return whole


def _shared() -> dict[str, dict[str, Any]]:
    """Answers that many operations have, by their names."""
    told = {"Problem": problem_answer(_OTHER)}
    for status, why in _OF_BODIES.items():
        told[f"Problem{status}"] = problem_answer(why, status)
    for status, (why, code) in ALWAYS.items():
        told[f"Problem{status}"] = problem_answer(why, status, code)
    return {
        name: {**each, "headers": {"X-Request-Id": dict(_HEADER)}} for name, each in told.items()
    }


def _operations(
    whole: dict[str, Any], routes: Iterable[BaseRoute]
) -> Iterator[tuple[APIRoute, str, Operation]]:
    for context in iter_route_contexts(list(routes)):
        route = context.original_route
        if not isinstance(route, APIRoute) or not route.include_in_schema:
            continue
        for method in route.methods or ():
            operation = whole["paths"][context.path_format].get(method.lower())
            if operation is not None:
                yield route, method, operation


def _complete(operation: Operation, route: APIRoute, method: str, doors: Doors) -> None:
    operation["operationId"] = name_of(method, route.path_format)
    operation |= deepcopy(route.openapi_extra or {})
    told = {str(status): each for status, each in deepcopy(dict(route.responses)).items()}
    answers = told or operation["responses"]
    for status, why in _OF_BODIES.items() if "requestBody" in operation else ():
        answers.setdefault(str(status), problem_answer(why, status))
    for status, (why, code) in ALWAYS.items():
        answers.setdefault(str(status), problem_answer(why, status, code))
    if route.path in doors.public:
        del answers["401"], answers["403"]
    answers.setdefault("default", problem_answer(_OTHER))
    for answer in answers.values():
        answer["headers"] = {**answer.get("headers", {}), "X-Request-Id": dict(_HEADER)}
        for media_type, content in answer.get("content", {}).items():
            if not media_type.endswith("json"):
                content.setdefault("schema", {"type": "string"})
    operation["responses"] = answers
    operation["parameters"] = [*operation.get("parameters", ()), dict(_REQUEST)]
    operation["security"] = _security(route, method, answers, doors)


def name_of(method: str, path: str) -> str:
    """The operation's id: `get_turns_turn_id_events`."""
    words = re.sub(r"\W+", "_", path).strip("_")
    return f"{method.lower()}_{words or 'root'}"


def _security(
    route: APIRoute, method: str, answers: Mapping[str, Any], doors: Doors
) -> list[dict[str, list[str]]]:
    if route.path in doors.public:
        return []
    names = ["bearer"] if route.path in doors.bearer else ["bearer", "key"]
    if method == "GET" and "text/event-stream" in answers.get("200", {}).get("content", {}):
        names.append("ticket")
    asked: list[dict[str, list[str]]] = [{name: []} for name in names]
    return [*asked, {}] if doors.open_to_all else asked


def _link(operations: Sequence[tuple[str, Operation]]) -> None:
    """An id in an answer leads to the operations that take it."""
    taking = {name: [op for path, op in operations if f"{{{name}}}" in path] for name in _LINKED}
    for _, operation in operations:
        for status, answer in operation["responses"].items():
            links: dict[str, Any] = {}
            if status.startswith("2"):
                for name, where in _ids(answer):
                    links |= {
                        other["operationId"]: {
                            "operationId": other["operationId"],
                            "parameters": {name: where},
                        }
                        for other in taking[name]
                        if other is not operation
                    }
            if links:
                answer["links"] = links


def _ids(answer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for header, name in _IN_HEADERS.items():
        if header in answer.get("headers", {}):
            yield name, f"$response.header.{header}"
    schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
    for name in _LINKED:
        if name in schema.get("properties", {}):
            yield name, f"$response.body#/{name}"


def _shorter(value: Any, shared: Mapping[str, Any]) -> Any:
    """The same, with what is the same everywhere told in one place."""
    if isinstance(value, list):
        return [_shorter(each, shared) for each in value]
    if not isinstance(value, dict):
        return value
    if value == PROBLEM:
        return {"$ref": "#/components/schemas/Problem"}
    for name, each in shared.items():
        if value == each:
            return {"$ref": f"#/components/responses/{name}"}
    return {key: _shorter(each, shared) for key, each in value.items()}
