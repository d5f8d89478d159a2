"""The OpenAPI document as it is served: each route is told whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter
from jsonschema import Draft202012Validator
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from talkwire.app import build
from talkwire.settings import AuthSettings, Settings
from talkwire.web.document import Doors, name_of
from talkwire.web.edge import Edge
from talkwire.web.openapi import answers, example, frame, named, stream_answers
from talkwire.web.parameters import TURN_ID
from talkwire.web.problems import PROBLEM

Operation = Mapping[str, Any]
ELSEWHERE: set[str] = set()


class Thing(BaseModel):
    """A thing of a turn."""

    model_config = example(turn_id=TURN_ID, name=None)

    turn_id: str
    name: str | None


async def make(request: Request) -> Response:
    """Makes a thing."""
    return Response()


async def follow(request: Request) -> Response:
    """Follows a turn."""
    return Response()


OPEN = Doors()


def small(doors: Doors = OPEN) -> dict[str, Any]:
    """The document of two routes."""
    routes = APIRouter(tags=["native"])
    plain: dict[str, Any] = {"response_class": Response}
    routes.add_api_route(
        "/things", make, methods=["POST"], responses=answers(Thing, "It is made"), **plain
    )
    routes.add_api_route(
        "/turns/{turn_id}",
        follow,
        methods=["GET"],
        responses=stream_answers(frame("a", "b")),
        openapi_extra=named("turn_id"),
        **plain,
    )
    app = Edge()
    app.include_router(routes)
    app.doors = doors
    return app.openapi()


def test_what_is_null_in_an_example_is_still_there() -> None:
    made = small()["paths"]["/things"]["post"]["responses"]["200"]

    assert made["content"]["application/json"]["example"] == {"turn_id": TURN_ID, "name": None}


def test_an_id_in_an_answer_leads_to_the_operations_that_take_it() -> None:
    links = small()["paths"]["/things"]["post"]["responses"]["200"]["links"]

    assert links == {
        "get_turns_turn_id": {
            "operationId": "get_turns_turn_id",
            "parameters": {"turn_id": "$response.body#/turn_id"},
        }
    }


def test_names_of_operations_are_made_of_their_paths() -> None:
    assert name_of("GET", "/") == "get_root"
    assert name_of("POST", "/api/v1/chat-x/{id}/stop") == "post_api_v1_chat_x_id_stop"


@pytest.mark.parametrize(
    ("doors", "things", "turns"),
    [
        (Doors(open_to_all=False), ["bearer", "key"], ["bearer", "key", "ticket"]),
        (Doors(bearer={"/things"}, open_to_all=False), ["bearer"], ["bearer", "key", "ticket"]),
        (Doors(public={"/things"}, open_to_all=False), [], ["bearer", "key", "ticket"]),
        (Doors(open_to_all=True), ["bearer", "key", None], ["bearer", "key", "ticket", None]),
    ],
)
def test_what_opens_a_route_is_told(
    doors: Doors, things: list[str | None], turns: list[str | None]
) -> None:
    paths = small(doors)["paths"]

    def opened_by(operation: Operation) -> list[str | None]:
        return [next(iter(each), None) for each in operation["security"]]

    assert opened_by(paths["/things"]["post"]) == things
    assert opened_by(paths["/turns/{turn_id}"]["get"]) == turns
    assert ("401" in paths["/things"]["post"]["responses"]) == bool(things)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The document of a server with all wires, that asks for keys."""
    folder: Path = tmp_path_factory.mktemp("document")
    return build(Settings(data_dir=folder, use_mock=True, auth=AuthSettings(mode="keys"))).openapi()


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, Operation]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def resolved(document: Mapping[str, Any], value: Any) -> Any:
    """The value with what it refers to in its place."""
    if isinstance(value, list):
        return [resolved(document, each) for each in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        found: Any = document
        for step in value["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return resolved(document, found)
    return {key: resolved(document, each) for key, each in value.items()}


def lacks(operation: Operation) -> Iterator[str]:
    """What a reader of the document would miss."""
    for field in ("summary", "description", "tags", "operationId"):
        if not operation.get(field):
            yield field
    if "security" not in operation:
        yield "security"
    good = [each for status, each in operation["responses"].items() if status.startswith("2")]
    if not any("schema" in kind for each in good for kind in each.get("content", {}).values()):
        yield "a schema of what is answered"
    if not any(status.startswith("4") for status in operation["responses"]):
        yield "errors"
    yield from unshown(operation)


def unshown(operation: Operation) -> Iterator[str]:
    """What has no example, and what has no schema."""
    for each in [operation.get("requestBody", {}), *operation["responses"].values()]:
        for kind, told in each.get("content", {}).items():
            if kind.endswith("json") and not {"example", "examples"} & set(told):
                yield f"an example of {kind}: {each.get('description')}"
    for parameter in operation.get("parameters", ()):
        if "schema" not in parameter:
            yield f"the schema of {parameter['name']}"


def test_every_route_is_told_whole(served: dict[str, Any]) -> None:
    missing = {
        name: list(lacks(resolved(served, operation)))
        for name, operation in operations(served)
        if not ELSEWHERE & set(operation["tags"])
    }

    assert {name: what for name, what in missing.items() if what} == {}


def test_names_of_operations_are_never_given_twice(served: dict[str, Any]) -> None:
    names = Counter(operation["operationId"] for _, operation in operations(served))

    assert {name for name, times in names.items() if times > 1} == set()


def test_every_tag_is_described(served: dict[str, Any]) -> None:
    assert [tag["name"] for tag in served["tags"] if not tag["description"]] == []


def examples(operation: Operation) -> Iterator[tuple[Any, Any]]:
    """Each schema of JSON with each of its examples."""
    for each in [operation.get("requestBody", {}), *operation["responses"].values()]:
        for kind, told in each.get("content", {}).items():
            if kind.endswith("json"):
                shown = [one["value"] for one in told.get("examples", {}).values()]
                for value in [*shown, *([told["example"]] if "example" in told else [])]:
                    yield told["schema"], value
    for parameter in operation.get("parameters", ()):
        if "example" in parameter:
            yield parameter["schema"], parameter["example"]


def test_every_example_fits_its_schema(served: dict[str, Any]) -> None:
    wrong = {
        name: [error.message for error in Draft202012Validator(schema).iter_errors(value)]
        for name, operation in operations(served)
        for schema, value in examples(resolved(served, operation))
        if not Draft202012Validator(schema).is_valid(value)
    }

    assert wrong == {}


def test_every_link_leads_to_an_operation(served: dict[str, Any]) -> None:
    known = {operation["operationId"] for _, operation in operations(served)}
    linked = {
        link["operationId"]
        for _, operation in operations(served)
        for answer in operation["responses"].values()
        for link in answer.get("links", {}).values()
    }

    assert linked
    assert linked <= known


def test_problems_are_told_in_one_place(served: dict[str, Any]) -> None:
    assert served["components"]["schemas"]["Problem"] == PROBLEM
    problem = resolved(served, served["components"]["responses"]["Problem401"])
    assert problem["headers"]["X-Request-Id"]["required"]
    assert len(str(served)) < 500_000
