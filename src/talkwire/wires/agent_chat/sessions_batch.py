"""The HTTP route of many sessions at once, and what travels on it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from talkwire.canon.errors import NotFound, PayloadTooLarge, TalkwireError
from talkwire.canon.sessions import Archive
from talkwire.web.answers import json_answer
from talkwire.web.limits import read_json
from talkwire.web.openapi import answers, asks
from talkwire.web.principals import owner_of
from talkwire.wires.agent_chat import decode as wire
from talkwire.wires.agent_chat import sessions_decode as decode
from talkwire.wires.agent_chat.sessions import READ, WRITE
from talkwire.wires.agent_chat.sessions_file import written
from talkwire.wires.agent_chat.sessions_shapes import example

BATCH = "/sessions/batch"
MOST_AT_ONCE = 500
ALL_BYTES = 8 * 1_048_576

Results = dict[str, TalkwireError | None]
Forget = Callable[[str, Sequence[str]], Awaitable[Mapping[str, TalkwireError | None]]]
"""Deletes an owner's sessions; why each is still there, None where it is gone."""


class BatchBody(BaseModel):
    """The body of `POST /sessions/batch`."""

    model_config = ConfigDict(
        extra="ignore",
        strict=True,
        hide_input_in_errors=True,
        json_schema_extra=example({"action": "archive", "session_ids": ["s_1", "s_2"]}),
    )

    action: Literal["delete", "archive", "unarchive", "export"]
    session_ids: list[str] = Field(min_length=1, max_length=MOST_AT_ONCE)


class BatchError(BaseModel):
    """Why an action was not done."""

    code: str
    message: str


class BatchResult(BaseModel):
    """What became of one session. An export that was told before is named by its place."""

    session_id: str
    ok: bool
    error: BatchError | None = None
    export: dict[str, Any] | None = None
    same_as: int | None = None


class BatchShape(BaseModel):
    """What became of each, in the order they were named."""

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "action": "archive",
                "results": [
                    {"session_id": "s_1", "ok": True},
                    {
                        "session_id": "s_2",
                        "ok": False,
                        "error": {"code": "not_found", "message": "There is no such session."},
                    },
                ],
                "succeeded": 1,
                "failed": 1,
            }
        )
    )

    action: str
    results: list[BatchResult]
    succeeded: int
    failed: int


class Sessions(Protocol):
    """What is asked of the store of sessions; see there."""

    async def archive(
        self, owner: str, session_ids: Sequence[str], *, archived: bool
    ) -> set[str]: ...
    async def sizes(self, owner: str, session_ids: Sequence[str]) -> dict[str, int]: ...
    async def take(self, owner: str, session_id: str) -> Archive: ...


def router(sessions: Sessions, forget: Forget, *, json_depth: int = 64) -> APIRouter:
    """Batch."""
    batch = Batch(sessions, forget, depth=json_depth)
    routes = APIRouter(tags=[wire.WIRE])
    routes.add_api_route(
        BATCH,
        batch.act,
        methods=["POST"],
        summary="Delete, archive or take out many sessions",
        response_class=Response,
        openapi_extra=asks(BatchBody),
        responses=answers(BatchShape, "What became of each", {422: "A field is not acceptable"}),
    )
    return routes


class Batch:
    """`/sessions/batch`."""

    def __init__(self, sessions: Sessions, forget: Forget, *, depth: int) -> None:
        self._sessions = sessions
        self._forget = forget
        self._depth = depth

    async def act(self, request: Request) -> Response:
        """Does one thing to each session, once however often it is named."""
        owner = owner_of(request, READ, WRITE)
        shape = decode.shaped(BatchBody, await read_json(request, depth=self._depth))
        owner_of(request, READ if shape.action == "export" else WRITE)
        names = list(dict.fromkeys(shape.session_ids))
        told: Results = {each: missing() for each in names}
        ids = [each for each in names if _could_be(each)]
        exports: dict[str, msgspec.Raw] = {}
        if ids:
            told |= await self._done(owner, shape.action, ids, exports)
        return json_answer(_answer(shape, told, exports))

    async def _done(
        self, owner: str, action: str, ids: Sequence[str], exports: dict[str, msgspec.Raw]
    ) -> Results:
        if action == "delete":
            return dict(await self._forget(owner, ids))
        if action == "export":
            return await self._exported(owner, ids, exports)
        archived = action == "archive"
        there = await self._sessions.archive(owner, ids, archived=archived)
        return {each: None if each in there else missing() for each in ids}

    async def _exported(
        self, owner: str, ids: Sequence[str], exports: dict[str, msgspec.Raw]
    ) -> Results:
        """Those that fit in one answer, in their order; a large one keeps no small one out."""
        sizes = await self._sessions.sizes(owner, ids)
        left = ALL_BYTES
        told: Results = {}
        for each in ids:
            if each not in sizes:
                told[each] = missing()
                continue
            told[each] = PayloadTooLarge("There is no more room in this answer.")
            if sizes[each] > left:
                continue
            try:
                taken = await self._sessions.take(owner, each)
            except NotFound as error:
                told[each] = error
                continue
            body = await asyncio.to_thread(written, taken)
            if len(body) <= left:
                left -= len(body)
                exports[each], told[each] = msgspec.Raw(body), None
        return told


def missing() -> NotFound:
    """What is said of a session that is not there for whoever asks."""
    return NotFound("There is no such session.", param="session_id")


def _answer(shape: BatchBody, told: Results, exports: Mapping[str, msgspec.Raw]) -> dict[str, Any]:
    results: list[dict[str, Any]] = []
    places: dict[str, int] = {}
    for place, each in enumerate(shape.session_ids):
        error = told[each]
        result: dict[str, Any] = {"session_id": each, "ok": error is None}
        if error is not None:
            result["error"] = {"code": error.code, "message": error.message}
        elif each in exports:
            first = places.setdefault(each, place)
            result |= {"export": exports[each]} if first == place else {"same_as": first}
        results.append(result)
    succeeded = sum(result["ok"] for result in results)
    return {
        "action": shape.action,
        "results": results,
        "succeeded": succeeded,
        "failed": len(results) - succeeded,
    }


def _could_be(session_id: str) -> bool:
    try:
        return bool(decode.known_id(session_id))
    except NotFound:
        return False
