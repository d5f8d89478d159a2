"""One path that several wires have: the fields of a request tell whose it is.

A cursor wins over all that a request says, so what stands beside it need not be right: it is looked
at only for whose frames are wanted. Where it does not tell, they are those of the turn's own wire.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from talkwire.canon.errors import BadRequest
from talkwire.web import cursor
from talkwire.web.faults import FieldError, Invalid
from talkwire.web.limits import JSON_DEPTH, read_json, read_query
from talkwire.web.listeners import served_here
from talkwire.web.openapi import Frame, asks, stream_answers, together
from talkwire.web.parameters import IDEMPOTENCY_KEY, LAST_EVENT_ID, RESUMES, Parameter
from talkwire.web.start import Turns


class Way(Protocol):
    """A wire's way through the path. All of its requests have `field`, and none of another's."""

    @property
    def wire(self) -> str: ...
    @property
    def field(self) -> str: ...
    @property
    def body(self) -> type[BaseModel]: ...
    @property
    def query(self) -> type[BaseModel]: ...
    @property
    def frames(self) -> Sequence[Frame]: ...
    @property
    def parameters(self) -> Sequence[Parameter]: ...

    def enter(self, request: Request) -> str:
        """The owner; see `Door.enter`."""
        ...

    async def resume(self, request: Request) -> Response | None:
        """The wire's frames after the request's cursor; see `Door.resume`."""
        ...

    async def post(self, request: Request, body: dict[str, Any]) -> Response:
        """The stream of the turn that the body asks for."""
        ...

    async def get(self, request: Request, query: dict[str, str]) -> Response:
        """The stream of the turn that the query asks for, or joins."""
        ...


class SharedPath:
    """The path's handlers. On a listener that has one of the wires alone, it is that one's."""

    def __init__(self, turns: Turns, ways: Sequence[Way], *, json_depth: int) -> None:
        self._turns = turns
        self._ways = tuple(ways)
        self._depth = json_depth

    async def post(self, request: Request) -> Response:
        """Starts a turn from a JSON body and answers with its stream. Where several wires are on, a
        field that the others do not know tells which of them is meant."""
        ways = self._here(request)
        if (resumed := await self._resumed(request, ways)) is not None:
            return resumed
        body = await read_json(request, depth=self._depth)
        return await _meant(ways, body).post(request, body)

    async def get(self, request: Request) -> Response:
        """The same from the query, for EventSource. Joins the turn that an identical GET has just
        started."""
        ways = self._here(request)
        if (resumed := await self._resumed(request, ways)) is not None:
            return resumed
        query = read_query(request)
        return await _meant(ways, query).get(request, query)

    def _here(self, request: Request) -> Sequence[Way]:
        served = served_here(request.scope)
        return [way for way in self._ways if served is None or way.wire in served]

    async def _resumed(self, request: Request, ways: Sequence[Way]) -> Response | None:
        owner = ways[0].enter(request)
        at = cursor.of(request)
        if at is None:
            return None
        asked = ways if len(ways) == 1 else _with_field(ways, await self._fields(request))
        if len(asked) != 1:
            wire = (await self._turns.record(owner, at.turn_id)).wire
            asked = [*(way for way in ways if way.wire == wire), *ways]
        return await asked[0].resume(request)

    async def _fields(self, request: Request) -> Mapping[str, object]:
        try:
            if request.method == "GET":
                return read_query(request)
            return await read_json(request, depth=self._depth)
        except BadRequest:
            return {}


def router(
    path: str, turns: Turns, ways: Sequence[Way], *, json_depth: int = JSON_DEPTH
) -> APIRouter:
    """The path's routes, for one wire or several; the first is the one that a turn of none of them
    is shown in."""
    shared = SharedPath(turns, ways, json_depth=json_depth)
    routes = APIRouter(tags=[way.wire for way in ways])
    frames = [frame for way in ways for frame in way.frames]
    own = [parameter for way in ways for parameter in way.parameters]
    given: dict[str, Any] = {"response_class": Response, "responses": stream_answers(*frames)}
    routes.add_api_route(
        path,
        shared.post,
        methods=["POST"],
        summary="Ask, and follow the answer",
        openapi_extra=together(
            IDEMPOTENCY_KEY, *own, LAST_EVENT_ID, asks(*(way.body for way in ways))
        ),
        **given,
    )
    routes.add_api_route(
        path,
        shared.get,
        methods=["GET"],
        summary="The same for EventSource",
        openapi_extra=together(*own, *RESUMES, asks(*(way.query for way in ways), query=True)),
        **given,
    )
    return routes


def _with_field(ways: Sequence[Way], fields: Mapping[str, object]) -> list[Way]:
    return [way for way in ways if way.field in fields]


def _meant(ways: Sequence[Way], fields: Mapping[str, object]) -> Way:
    """The wire whose field is there. :raises Invalid: none is, or several are; it names them."""
    if len(ways) == 1:
        return ways[0]
    asked = _with_field(ways, fields)
    if len(asked) == 1:
        return asked[0]
    names = " or ".join(way.field for way in ways)
    why = f"Either {names}, not both" if asked else f"{names} is required"
    raise Invalid([FieldError(way.field, why) for way in ways])
