"""Sessions of all wires: what is told of one, and its deletion.

`session_id` and `thread_id` are one value under the two names that clients know it by.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, get_args

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from talkwire.canon.errors import NotFound
from talkwire.canon.records import SessionDetail, Status, StoredMessage
from talkwire.web.answers import json_answer
from talkwire.web.openapi import answers, named
from talkwire.web.principals import owner_of
from talkwire.web.told import rfc3339

LAST_MESSAGES = 20
_SESSION_ID = re.compile(r"[A-Za-z0-9._:@-]{1,128}")

Forget = Callable[[str, str], Awaitable[None]]


_MESSAGE: dict[str, Any] = {
    "id": "msg_t_06gvngn5rqp5rtpsns4g0lle2g",
    "role": "assistant",
    "content": "It is noon.",
    "created_at": "2026-01-01T12:00:00.000Z",
    "incomplete": False,
    "turn_id": "t_06gvngn5rqp5rtpsns4g0lle2g",
}
_DELETED: dict[str, Any] = {"deleted": True, "thread_id": "s_1", "session_id": "s_1"}
_SESSION: dict[str, Any] = {
    "session_id": "s_1",
    "thread_id": "s_1",
    "title": "Holidays",
    "user_id": "u-17",
    "agent_id": None,
    "system_prompt_name": None,
    "metadata": {},
    "archived": False,
    "created_at": "2026-01-01T12:00:00.000Z",
    "updated_at": "2026-01-01T12:00:01.000Z",
    "expires_at": "2026-01-02T12:00:01.000Z",
    "category": None,
    "subcategory": None,
    "message_count": 2,
    "turn_count": 1,
    "turns": {"queued": 0, "running": 0, "completed": 1, "failed": 0, "aborted": 0},
    "messages": [_MESSAGE],
}


class MessageShape(BaseModel):
    """A message; `category` and `subcategory` where it comes from a scenario."""

    id: str
    role: str
    content: str
    created_at: str
    incomplete: bool
    turn_id: str
    category: str | None = None
    subcategory: str | None = None


class SessionShape(BaseModel):
    """A session of whichever wire."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SESSION]})

    session_id: str
    thread_id: str
    title: str | None
    user_id: str | None
    agent_id: str | None
    system_prompt_name: str | None
    metadata: dict[str, Any]
    archived: bool
    created_at: str
    updated_at: str
    expires_at: str
    category: str | None
    subcategory: str | None
    message_count: int = Field(description="Those of all branches.")
    turn_count: int
    turns: dict[str, int] = Field(description="How many of each status.")
    messages: list[MessageShape] = Field(description="The newest, oldest first.")


class DeletedShape(BaseModel):
    """What was deleted."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DELETED]})

    deleted: bool
    thread_id: str
    session_id: str


class Sessions(Protocol):
    """What is asked of the store of sessions."""

    async def session(self, owner: str, session_id: str) -> SessionDetail:
        """:raises NotFound: unknown, expired, or another's."""
        ...

    async def messages(
        self, owner: str, session_id: str, *, limit: int, leaf: str | None = None
    ) -> list[StoredMessage]:
        """The last ones, oldest first. :raises NotFound: there are none."""
        ...


def router(sessions: Sessions, forget: Forget) -> APIRouter:
    """`GET` and `DELETE /sessions/{session_id}`; `forget` is given the owner and the session."""

    async def show(request: Request) -> Response:
        """What a session is about, how much is in it, and the newest messages of the branch that
        it goes on from, oldest first: those of turns that have ended."""
        owner, session_id = owner_of(request, "sessions:read"), _session_id(request)
        detail = await sessions.session(owner, session_id)
        try:
            last = await sessions.messages(owner, session_id, limit=LAST_MESSAGES)
        except NotFound:  # it has none yet
            last = []
        return json_answer(_shown(detail, last))

    async def delete(request: Request) -> Response:
        """Stops what runs in the session, and deletes all that is stored of it."""
        owner, session_id = owner_of(request, "sessions:write"), _session_id(request)
        await forget(owner, session_id)
        return json_answer({"deleted": True, "thread_id": session_id, "session_id": session_id})

    routes = APIRouter(tags=["sessions"])
    plain: dict[str, Any] = {"response_class": Response, "openapi_extra": named("session_id")}
    routes.add_api_route(
        "/sessions/{session_id}",
        show,
        methods=["GET"],
        summary="A session and its newest messages",
        responses=answers(SessionShape, "The session", {404: "No such session"}),
        **plain,
    )
    routes.add_api_route(
        "/sessions/{session_id}",
        delete,
        methods=["DELETE"],
        summary="Delete a session, and stop what runs in it",
        responses=answers(
            DeletedShape,
            "It is deleted",
            {404: "No such session", 409: "A turn of it would not end in time"},
        ),
        **plain,
    )
    return routes


def _session_id(request: Request) -> str:
    """:raises NotFound: no session could have this name."""
    session_id = str(request.path_params["session_id"])
    if _SESSION_ID.fullmatch(session_id) is None:
        raise NotFound("There is no such session.", param="session_id")
    return session_id


def _shown(detail: SessionDetail, last: Sequence[StoredMessage]) -> dict[str, Any]:
    return {
        "session_id": detail.session_id,
        "thread_id": detail.session_id,
        "title": detail.title,
        "user_id": detail.label,
        "agent_id": detail.agent,
        "system_prompt_name": detail.prompt,
        "metadata": detail.metadata,
        "archived": detail.archived,
        "created_at": rfc3339(detail.created_at),
        "updated_at": rfc3339(detail.updated_at),
        "expires_at": rfc3339(detail.expires_at),
        "category": detail.category,
        "subcategory": detail.subcategory,
        "message_count": detail.messages,
        "turn_count": sum(detail.turns.values()),
        "turns": {status: detail.turns.get(status, 0) for status in get_args(Status)},
        "messages": [_message(each) for each in last],
    }


def _message(stored: StoredMessage) -> dict[str, Any]:
    """`category` and `subcategory` are told of answers that come from a scenario."""
    message, scene = stored.message, stored.message.scene
    about = {} if scene is None else {"category": scene.category, "subcategory": scene.subcategory}
    return {
        "id": message.id,
        "role": message.role,
        "content": message.text,
        "created_at": rfc3339(stored.created_at),
        "incomplete": message.incomplete,
        "turn_id": stored.turn_id,
        **about,
    }
