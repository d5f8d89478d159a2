"""What was used, as the ledger has it: in sums, as JSON or as a table for spreadsheets.

Each sees their own; admins see everybody's. A cursor holds the time that was asked about, so that
all pages are about the same.
"""

from __future__ import annotations

import base64
import csv
import io
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from talkwire.canon.errors import Forbidden, Unprocessable
from talkwire.canon.usage import BY, By, UsageAsked, UsagePage, UsageRow
from talkwire.web import usage_told
from talkwire.web.answers import json_answer
from talkwire.web.principals import Principal, owner_of, principal_of
from talkwire.web.usage_told import MOST_ROWS, USUAL_ROWS

USUAL_BY: tuple[By, ...] = ("day", "model")
USUAL_DAYS = 30
MOST_DAYS = 366
_DAY = timedelta(days=1)
_DAY_MS = 86_400_000
_YEARS = (1970, 9000)
_LAST_MS = int(datetime(_YEARS[1] + 1, 1, 1, tzinfo=UTC).timestamp() * 1000)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,6})?([Zz]|[+-]\d{2}:\d{2})")
_FIGURES = ("turns", "input_tokens", "output_tokens", "total_tokens", "estimated", "cost")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Usage(Protocol):
    """What is asked of the ledger."""

    async def report(self, asked: UsageAsked) -> UsagePage:
        """Sums by group, sorted by it, and the sum of all groups."""
        ...


class _Place(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Where a page begins: behind a group, in the time of the first page."""

    since: int
    until: int
    by: tuple[By, ...]
    after: tuple[str, ...]


_place = msgspec.json.Decoder(_Place)


def router(ledger: Usage, *, clock: Callable[[], float] = time.time) -> APIRouter:
    """`GET /usage`. `clock` gives Unix seconds."""

    async def usage(request: Request) -> Response:
        """Turns, tokens and cost of one's own, by day and model or whatever is asked; for admins
        everybody's."""
        owner_of(request, "usage:read", "sessions:read")
        given = request.query_params
        as_csv = _wants_csv(request)
        asked = asked_of(given, principal_of(request), clock(), most=as_csv)
        page = await ledger.report(asked)
        cursor = _cursor(asked, page)
        return _csv(asked, page, cursor) if as_csv else _json(asked, page, cursor)

    routes = APIRouter(tags=["usage"])
    routes.add_api_route(
        "/usage",
        usage,
        methods=["GET"],
        summary="What was used, and what it cost",
        response_class=Response,
        responses=usage_told.ANSWERS,
        openapi_extra=usage_told.PARAMETERS,
    )
    return routes


def asked_of(
    given: Mapping[str, str], principal: Principal, now_s: float, *, most: bool = False
) -> UsageAsked:
    """What a query asks for; what is empty is not given. With `most` as many rows as can be.

    :raises Unprocessable: a parameter is not acceptable. :raises Forbidden: another's is asked for.
    """
    given = {name: value for name, value in given.items() if value}
    user = given.get("user")
    if not principal.admin or principal.guest:
        if user not in (None, principal.id):
            raise Forbidden("Only admins see what others have used.", param="user")
        user = principal.id
    by = _by(given.get("by"))
    after: tuple[str, ...] | None = None
    since, until = _span(given, now_s)
    if "cursor" in given:
        place = _place_of(given["cursor"], by)
        since, until, after = place.since, place.until, place.after
    if since >= until:
        raise Unprocessable("from must be before to.", param="from")
    if until - since > MOST_DAYS * _DAY_MS:
        why = f"from must be at most {MOST_DAYS} days before to: ask for the rest apart."
        raise Unprocessable(why, param="from")
    limit = _limit(given.get("limit"), MOST_ROWS if most else USUAL_ROWS)
    user, key_id = _name(user, "user"), _name(given.get("key"), "key")
    return UsageAsked(since, until, by, user=user, key_id=key_id, limit=limit, after=after)


def _by(text: str | None) -> tuple[By, ...]:
    if text is None:
        return USUAL_BY
    words = list(dict.fromkeys(word.strip() for word in text.split(",")))
    known: dict[str, By] = {name: name for name in BY}
    if not set(words) <= set(known):
        raise Unprocessable(f"by must be some of {', '.join(BY)}.", param="by")
    return tuple(known[word] for word in words)


def _span(given: Mapping[str, str], now_s: float) -> tuple[int, int]:
    now = datetime.fromtimestamp(now_s, UTC)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    since = today - (USUAL_DAYS - 1) * _DAY
    # What is ending just now is in it.
    until = now + timedelta(seconds=1)
    if "from" in given:
        since, _ = _when(given["from"], "from")
    if "to" in given:
        until, is_date = _when(given["to"], "to")
        until += _DAY if is_date else timedelta()
    return _ms(since), _ms(until)


def _when(text: str, param: str) -> tuple[datetime, bool]:
    """A date or time, and which of them. A `+` that a query has turned to a space is one again."""
    is_date = _DATE.fullmatch(text) is not None
    text = text[:-6] + "+" + text[-5:] if text[-6:-5] == " " else text
    try:
        if not is_date and _TIME.fullmatch(text) is None:
            raise ValueError
        when = datetime.fromisoformat(text.upper())
        when = when.replace(tzinfo=UTC) if is_date else when.astimezone(UTC)
        if not _YEARS[0] <= when.year <= _YEARS[1]:
            raise ValueError
    except (ValueError, OverflowError):
        why = f"{param} must be a date (2026-01-31) or a time (2026-01-31T12:00:00Z)."
        raise Unprocessable(why, param=param) from None
    return when, is_date


def _ms(when: datetime) -> int:
    return int(when.timestamp() * 1000)


def _limit(text: str | None, usual: int) -> int:
    if text is None:
        return usual
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
    if not 1 <= number <= MOST_ROWS:
        raise Unprocessable(f"limit must be a number from 1 to {MOST_ROWS}.", param="limit")
    return number


def _name(text: str | None, param: str) -> str | None:
    if text is not None and not (len(text) <= 255 and text.isprintable()):
        raise Unprocessable(f"{param} is no name.", param=param)
    return text


def _cursor(asked: UsageAsked, page: UsagePage) -> str | None:
    if not page.more:
        return None
    place = _Place(asked.since, asked.until, asked.by, page.rows[-1].group)
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def _place_of(cursor: str, by: tuple[By, ...]) -> _Place:
    """:raises Unprocessable: it was not given for such a query."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        place = _place.decode(text)
        if place.by != by or len(place.after) != len(by):
            raise ValueError
        for name, value in zip(by, place.after, strict=True):
            if "\0" in value or (name == "day" and _DATE.fullmatch(value) is None):
                raise ValueError
            if name == "day":
                datetime.fromisoformat(value)
        if not 0 <= place.since < place.until <= _LAST_MS:
            raise ValueError
    except ValueError:
        raise Unprocessable("cursor is none that was given for this.", param="cursor") from None
    return place


def _shown(asked: UsageAsked, row: UsageRow) -> dict[str, Any]:
    """A row's own values are null where there is none: a turn without a model, or without a key."""
    shown: dict[str, Any] = {}
    for name, value in zip(asked.by, row.group, strict=True):
        shown[name] = value or None
    return {**shown, **_figures(row)}


def _figures(row: UsageRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _FIGURES}


def _json(asked: UsageAsked, page: UsagePage, cursor: str | None) -> Response:
    return json_answer(
        {
            "from": _told(asked.since),
            "to": _told(asked.until),
            "by": asked.by,
            "rows": [_shown(asked, row) for row in page.rows],
            "totals": None if page.total is None else _figures(page.total),
            "next_cursor": cursor,
        }
    )


def _csv(asked: UsageAsked, page: UsagePage, cursor: str | None) -> Response:
    """RFC 4180. What follows is told by a header: a table has no place for it."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow([*asked.by, *_FIGURES])
    for row in page.rows:
        table.writerow([*map(plain, row.group), *_figures(row).values()])
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": 'attachment; filename="usage.csv"',
    }
    if cursor is not None:
        headers["X-Next-Cursor"] = cursor
    return Response(text.getvalue().encode(), 200, headers, "text/csv; charset=utf-8")


def plain(cell: str) -> str:
    """The text so that no spreadsheet takes it for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _wants_csv(request: Request) -> bool:
    named = request.query_params.get("format")
    if named:
        if named not in ("json", "csv"):
            raise Unprocessable("format must be json or csv.", param="format")
        return named == "csv"
    accepted = request.headers.get("accept", "").lower()
    return "text/csv" in accepted and "application/json" not in accepted


def _told(at: int) -> str:
    return f"{datetime.fromtimestamp(at // 1000, UTC):%Y-%m-%dT%H:%M:%S}Z"
