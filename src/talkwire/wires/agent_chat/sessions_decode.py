"""Requests of sessions to what stores are asked."""

from __future__ import annotations

import base64
import re
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET
from pydantic import BaseModel, ValidationError

from talkwire.canon.errors import NotFound, Unprocessable
from talkwire.canon.sessions import HistoryAsked, SessionChange, SessionsAsked, Whose
from talkwire.web.faults import FieldError, Invalid, invalid
from talkwire.web.principals import Principal
from talkwire.wires.agent_chat.sessions_shapes import ChangeBody, PageQuery, SessionsQuery
from talkwire.wires.agent_chat.shapes import METADATA_BYTES, SESSION_ID

_SESSION_ID = re.compile(SESSION_ID)
_MOST_MS = 253_402_300_799_999
_ARCHIVED = {"true": True, "false": False, "all": None}
Shape = TypeVar("Shape", bound=BaseModel)


class _Place(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Behind which session of a list a page begins."""

    updated_at: int
    session_id: str
    owner: str


class _Branch(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Where on which branch a page begins."""

    leaf: str
    position: int


_place = msgspec.json.Decoder(_Place)
_branch = msgspec.json.Decoder(_Branch)


def shaped(shape: type[Shape], given: dict[str, Any]) -> Shape:
    """:raises Invalid: a field is missing, of the wrong type or out of its bounds."""
    try:
        return shape.model_validate(given)
    except ValidationError as error:
        raise invalid(error) from None


def known_id(session_id: str) -> str:
    """:raises NotFound: no session could have this name."""
    if _SESSION_ID.fullmatch(session_id) is None:
        raise NotFound("There is no such session.", param="session_id")
    return session_id


def bounded(metadata: dict[str, Any] | None) -> dict[str, Any]:
    """:raises Invalid: there is too much of it, or a number of more digits than can be told."""
    if not metadata:
        return {}
    try:
        size = len(msgspec.json.encode(metadata))
    except (OverflowError, ValueError, RecursionError):
        raise wrong("metadata", "Should hold no number that JSON cannot tell") from None
    if size > METADATA_BYTES:
        raise wrong("metadata", f"Should have at most {METADATA_BYTES} bytes as JSON")
    return metadata


def change(body: dict[str, Any]) -> SessionChange:
    """What a PATCH asks for. :raises Invalid: a field is unknown or not acceptable."""
    shape = shaped(ChangeBody, body)
    given = shape.model_fields_set
    return SessionChange(
        title=shape.title if "title" in given else UNSET,
        metadata=bounded(shape.metadata) if "metadata" in given else UNSET,
        archived=shape.archived if "archived" in given else UNSET,
    )


def whose(principal: Principal, user: str | None) -> Whose:
    """One's own sessions, or those of a user among them; for admins whoever owns them."""
    if user is None or (user == principal.id and not is_admin(principal)):
        return Whose(principal.id)
    return Whose(None if is_admin(principal) else principal.id, user)


def is_admin(principal: Principal) -> bool:
    """Whether what everybody has may be seen: not by those who were let in without a key."""
    return principal.admin and not principal.guest


def listed(query: dict[str, str], principal: Principal) -> SessionsAsked:
    """What `GET /sessions` asks for, one row more to see whether others follow. :raises Invalid:"""
    shape = shaped(SessionsQuery, _given(query))
    return SessionsAsked(
        whose(principal, shape.user_id),
        limit=shape.limit + 1,
        text=shape.q or "",
        archived=_ARCHIVED[shape.archived],
        after=None if shape.cursor is None else _after(shape.cursor),
    )


def history(query: dict[str, str]) -> HistoryAsked:
    """What `GET /chat/history` asks for. :raises Invalid:"""
    shape = shaped(PageQuery, _given(query))
    if shape.cursor is None:
        return HistoryAsked(shape.limit)
    branch: _Branch = _opened(shape.cursor, _branch)
    if not (0 <= branch.position <= _MOST_MS and _is_name(branch.leaf)):
        raise _no_cursor()
    return HistoryAsked(shape.limit, leaf=branch.leaf, position=branch.position)


def sessions_cursor(updated_at: int, session_id: str, owner: str) -> str:
    """The cursor of the page behind this session."""
    return _closed(_Place(updated_at, session_id, owner))


def history_cursor(leaf: str, position: int) -> str:
    """The cursor of the page that begins here."""
    return _closed(_Branch(leaf, position))


def wrong(field: str, message: str) -> Invalid:
    """One field that is not acceptable."""
    return Invalid([FieldError(field, message)])


def _given(query: dict[str, str]) -> dict[str, str]:
    """What is empty is not given."""
    return {name: value for name, value in query.items() if value}


def _after(cursor: str) -> tuple[int, str, str]:
    place: _Place = _opened(cursor, _place)
    if not (0 <= place.updated_at <= _MOST_MS and _is_name(place.session_id + place.owner)):
        raise _no_cursor()
    return place.updated_at, place.session_id, place.owner


def _closed(place: msgspec.Struct) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def _opened(cursor: str, decoder: msgspec.json.Decoder[Any]) -> Any:
    """:raises Unprocessable: it was not given for such a list."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        return decoder.decode(text)
    except ValueError:
        raise _no_cursor() from None


def _is_name(text: str) -> bool:
    return len(text) <= 600 and text.isprintable()


def _no_cursor() -> Unprocessable:
    return Unprocessable("cursor is none that was given for this.", param="cursor")
