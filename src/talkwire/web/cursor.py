"""Where a client stands: `<turn>:<n>`, from the `Last-Event-ID` header or `lastEventId`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.requests import Request

from talkwire.canon.errors import BadCursor

_FORM = re.compile(r"(t_[0-9a-z]{26}):([0-9]{1,10})")
TURN_ID = re.compile(r"t_[0-9a-z]{26}")


@dataclass(frozen=True)
class Cursor:
    """The last frame that a client has: the turn and the frame's number."""

    turn_id: str
    n: int


def parse(value: str) -> Cursor:
    """:raises BadCursor: not of the form `<turn>:<n>`."""
    match = _FORM.fullmatch(value)
    if match is None:
        raise BadCursor("Last-Event-ID must be <turn id>:<number>.", param="Last-Event-ID")
    return Cursor(match[1], int(match[2]))


def of(request: Request) -> Cursor | None:
    """The request's cursor; the header wins over the query. None when there is none.

    :raises BadCursor: malformed.
    """
    value = request.headers.get("last-event-id")
    if not value and request.scope["query_string"]:
        value = request.query_params.get("lastEventId")
    return parse(value) if value else None
