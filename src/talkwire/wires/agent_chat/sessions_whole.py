"""The HTTP routes of whole sessions: taken out, and brought in."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from talkwire.canon.errors import PayloadTooLarge, Unprocessable
from talkwire.canon.sessions import Archive, Session
from talkwire.engine.ids import new_id
from talkwire.web.answers import json_answer
from talkwire.web.limits import read_json
from talkwire.web.openapi import answers, asks, named
from talkwire.web.principals import owner_of
from talkwire.wires.agent_chat import decode as wire
from talkwire.wires.agent_chat import sessions_decode as decode
from talkwire.wires.agent_chat import sessions_encode as encode
from talkwire.wires.agent_chat.sessions import READ, WRITE, Known
from talkwire.wires.agent_chat.sessions_file import SessionFile, written
from talkwire.wires.agent_chat.sessions_import import archive
from talkwire.wires.agent_chat.sessions_markdown import markdown
from talkwire.wires.agent_chat.sessions_shapes import ImportedShape

EXPORT, IMPORT = "/sessions/{session_id}/export", "/sessions/import"
ONE_BYTES = 64 * 1_048_576
_FORMAT: dict[str, Any] = {
    "name": "format",
    "in": "query",
    "required": False,
    "description": "Whatever `Accept` says.",
    "schema": {"type": "string", "enum": ["json", "markdown"]},
}


class Sessions(Protocol):
    """What is asked of the store of sessions; see there."""

    async def sizes(self, owner: str, session_ids: Sequence[str]) -> dict[str, int]: ...
    async def take(self, owner: str, session_id: str) -> Archive: ...
    async def bring(self, owner: str, given: Archive, *, fresh: str, ttl_ms: int) -> Session: ...


def router(sessions: Sessions, known: Known, *, ttl_s: float, json_depth: int = 64) -> APIRouter:
    """Export and import. `ttl_s`: how long a session lives that was brought in."""
    whole = Whole(sessions, known, ttl_ms=int(ttl_s * 1000), depth=json_depth)
    tags: list[Any] = [wire.WIRE]
    routes = APIRouter(tags=tags)
    plain: dict[str, Any] = {"response_class": Response}
    refused = {404: "No such session", 413: "It is too large", 422: "There is no such format"}
    out = answers(SessionFile, "The session", refused)
    out[200]["content"]["text/markdown"] = {"schema": {"type": "string"}}
    parameters = [*named("session_id")["parameters"], _FORMAT]
    wrong = {413: "The file is too large", 422: "A field is not acceptable"}
    routes.add_api_route(
        EXPORT,
        whole.export,
        methods=["GET"],
        summary="Take a whole session out",
        openapi_extra={"parameters": parameters},
        responses=out,
        **plain,
    )
    routes.add_api_route(
        IMPORT,
        whole.bring,
        methods=["POST"],
        status_code=201,
        summary="Bring a session in",
        openapi_extra=asks(SessionFile),
        responses=answers(
            ImportedShape, "The session", {404: "No such agent or prompt", **wrong}, status=201
        ),
        **plain,
    )
    return routes


class Whole:
    """`/sessions/{session_id}/export` and `/sessions/import`. Files are worked on in threads: the
    largest would hold everybody up.
    """

    def __init__(self, sessions: Sessions, known: Known, *, ttl_ms: int, depth: int) -> None:
        self._sessions = sessions
        self._known = known
        self._ttl_ms = ttl_ms
        self._depth = depth

    async def export(self, request: Request) -> Response:
        """The whole tree of messages, as JSON that can be brought in again, or to be read."""
        owner = owner_of(request, READ)
        session_id = decode.known_id(str(request.path_params["session_id"]))
        to_read = _to_read(request)
        sizes = await self._sessions.sizes(owner, [session_id])
        if sizes.get(session_id, 0) > ONE_BYTES:
            raise PayloadTooLarge("This session is too large to be taken out at once.")
        taken = await self._sessions.take(owner, session_id)
        suffix, media_type = ("md", "text/markdown") if to_read else ("json", "application/json")
        name = session_id.replace(":", "_").replace("@", "_")
        headers = {
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="{name}.{suffix}"',
        }
        if to_read:
            body = (await asyncio.to_thread(markdown, taken)).encode()
            return Response(body, 200, headers, f"{media_type}; charset=utf-8")
        return Response(await asyncio.to_thread(written, taken), 200, headers, media_type)

    async def bring(self, request: Request) -> Response:
        """Makes a session of a file, which is whoever's brings it. It keeps its id where that is
        free; else `session_id` is a new one, and `imported_from` the file's."""
        owner = owner_of(request, WRITE)
        body = await read_json(request, depth=self._depth)
        given = await asyncio.to_thread(archive, body)
        await self._known.check(given.agent, given.prompt)
        fresh = new_id("s_")
        made = await self._sessions.bring(owner, given, fresh=fresh, ttl_ms=self._ttl_ms)
        told = {**encode.session(made), "imported_from": given.session_id}
        return json_answer({**told, "messages": len(given.messages)}, 201)


def _to_read(request: Request) -> bool:
    """Whether people are to read it: `format`, else what is accepted."""
    named = request.query_params.get("format")
    if named:
        if named not in ("json", "markdown"):
            raise Unprocessable("format must be json or markdown.", param="format")
        return named == "markdown"
    accepted = request.headers.get("accept", "").lower()
    return "text/markdown" in accepted and "application/json" not in accepted
