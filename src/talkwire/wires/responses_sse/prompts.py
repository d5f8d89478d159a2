"""The routes of the system-prompt templates. All principals share them: admins write them."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from talkwire.canon.errors import NotFound
from talkwire.canon.records import PromptVersion
from talkwire.engine.ports import Prompts
from talkwire.web.answers import json_answer
from talkwire.web.faults import FieldError, Invalid
from talkwire.web.limits import read_json
from talkwire.web.openapi import answers, asks, one_of, together
from talkwire.web.problems import problem_answer
from talkwire.web.start import Door
from talkwire.wires.responses_sse.decode import prompt_draft
from talkwire.wires.responses_sse.shapes import (
    PromptBody,
    PromptGoneShape,
    PromptShape,
    PromptsShape,
    PromptVersionsShape,
)

_NAME = re.compile(r"(?!\.+$)[A-Za-z0-9._-]{1,64}")
_PINNED = re.compile(r"((?!\.+@)[A-Za-z0-9._-]{1,64})@([0-9]{1,9})")


# As above, for the OpenAPI document.
NAME = r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$"
PINNED = r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}(@[0-9]{1,9})?$"


class PromptRoutes:
    """`/prompts`."""

    def __init__(self, door: Door, prompts: Prompts, depth: int) -> None:
        self._door = door
        self._prompts = prompts
        self._depth = depth

    async def list(self, request: Request) -> Response:
        """The newest version of each template."""
        self._door.enter(request, "chat")
        return json_answer({"prompts": await self._prompts.list()})

    async def get(self, request: Request) -> Response:
        """All versions of one template, newest first; `name@3` is that version alone."""
        self._door.enter(request, "chat")
        name = str(request.path_params["name"])
        pinned = _PINNED.fullmatch(name)
        if pinned is None:
            if _NAME.fullmatch(name) is None:
                raise NotFound("There is no such prompt.", param="name")
            versions = await self._prompts.versions(name)
            return json_answer({"name": name, "versions": versions})
        return json_answer(_pick(await self._prompts.versions(pinned[1]), int(pinned[2])))

    async def put(self, request: Request) -> Response:
        """Stores a new version."""
        self._door.enter(request, "admin")
        name = _checked(request)
        body = await read_json(request, depth=self._depth)
        stored = await self._prompts.put(prompt_draft(name, body))
        return json_answer(stored, 201 if stored.version <= 1 else 200)

    async def delete(self, request: Request) -> Response:
        """Deletes the stored versions."""
        self._door.enter(request, "admin")
        name = _checked(request)
        return json_answer({"name": name, "deleted": await self._prompts.delete(name)})


def add(routes: APIRouter, door: Door, prompts: Prompts, json_depth: int) -> None:
    """Put the routes on the wire's router."""
    handlers = PromptRoutes(door, prompts, json_depth)
    plain: dict[str, Any] = {"response_class": Response}
    one = "/prompts/{name:path}"
    unknown = {404: "No such prompt, or no such version"}
    bad = {404: "No such prompt", 422: "The name, or a field, is not acceptable"}
    put = answers(PromptShape, "Stored as a new version", bad)
    put[201] = {**put[200], "description": "Stored as the first version"}
    put[415] = problem_answer("The body is not JSON", 415)
    shown = answers(PromptVersionsShape, "All versions, or the pinned one", unknown)
    both = one_of(PromptVersionsShape, PromptShape)
    shown[200]["content"]["application/json"] = both
    add_route = routes.add_api_route
    add_route(
        "/prompts",
        handlers.list,
        methods=["GET"],
        summary="The templates of system prompts",
        responses=answers(PromptsShape, "The newest version of each"),
        **plain,
    )
    add_route(
        one,
        handlers.get,
        methods=["GET"],
        summary="A template with all its versions, or one version",
        openapi_extra=_name(PINNED, "brief"),
        responses=shown,
        **plain,
    )
    add_route(
        one,
        handlers.put,
        methods=["PUT"],
        summary="Store a new version of a template",
        openapi_extra=together(_name(NAME, "brief"), asks(PromptBody)),
        responses=put,
        **plain,
    )
    add_route(
        one,
        handlers.delete,
        methods=["DELETE"],
        summary="Delete the stored versions of a template",
        openapi_extra=_name(NAME, "brief"),
        responses=answers(
            PromptGoneShape, "They are deleted", {**bad, 409: "It is built in, and stays"}
        ),
        **plain,
    )


def _name(pattern: str, example: str) -> dict[str, Any]:
    schema = {"type": "string", "pattern": pattern}
    told = {"name": "name", "in": "path", "required": True, "schema": schema, "example": example}
    return {"parameters": [told]}


def _checked(request: Request) -> str:
    name = str(request.path_params["name"])
    if _NAME.fullmatch(name) is None:
        raise Invalid([FieldError("name", "Must match [A-Za-z0-9._-]{1,64} and name no path")])
    return name


def _pick(versions: list[PromptVersion], version: int) -> PromptVersion:
    for each in versions:
        if each.version == version:
            return each
    raise NotFound("There is no such version of this prompt.", param="name")
