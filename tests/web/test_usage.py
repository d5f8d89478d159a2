"""Reports of what was used: whose, of when, in which sums, and safe to open in a spreadsheet."""

from __future__ import annotations

import base64
import csv
import io
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.requests import Request
from starlette.responses import Response

from talkwire.canon.errors import Forbidden, Unprocessable
from talkwire.canon.keys import USUAL_SCOPES
from talkwire.canon.usage import UsageAsked, UsagePage, UsageRow
from talkwire.web.principals import GUEST, LOCAL, PRINCIPAL, Principal
from talkwire.web.usage import asked_of, plain, router
from talkwire.web.usage_told import MOST_ROWS
from tests.web.wire import scope

NOW = datetime(2026, 3, 17, 9, 30, tzinfo=UTC).timestamp()
ANN, ADMIN = Principal("ann"), Principal("root", admin=True)
FIGURES = ["turns", "input_tokens", "output_tokens", "total_tokens", "estimated", "cost"]
TOTAL = UsageRow((), 3, 30, 12, 1, 0.5)


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def query(principal: Principal = ANN, **given: str) -> UsageAsked:
    return asked_of(given, principal, NOW)


class Book:
    """A ledger that remembers what it was asked, and answers with these rows, a page each."""

    def __init__(self, *rows: UsageRow) -> None:
        self.rows = rows
        self.asked: list[UsageAsked] = []

    async def report(self, asked: UsageAsked) -> UsagePage:
        self.asked.append(asked)
        rows = [row for row in self.rows if asked.after is None or row.group > asked.after]
        total = TOTAL if asked.after is None else None
        return UsagePage(tuple(rows[: asked.limit]), total, more=len(rows) > asked.limit)


async def get(
    book: Book, principal: Principal = ANN, accept: str = "*/*", **given: str
) -> Response:
    (route,) = router(book, clock=lambda: NOW).routes
    asked = scope("/usage", headers={"accept": accept}, query=urlencode(given))
    asked[PRINCIPAL] = principal
    response: Response = await route.endpoint(Request(asked))  # type: ignore[attr-defined]  # an APIRoute
    return response


def body(response: Response) -> Any:
    return json.loads(bytes(response.body))


def table(response: Response) -> list[list[str]]:
    return list(csv.reader(io.StringIO(bytes(response.body).decode(), newline="")))


def row(*group: str, cost: float | None = None) -> UsageRow:
    return UsageRow(group, 2, 20, 7, 1, cost)


def test_the_last_thirty_days_by_day_and_model_are_told_if_nothing_is_asked() -> None:
    asked = query()

    assert (asked.by, asked.limit, asked.after) == (("day", "model"), 100, None)
    assert asked.since == ms("2026-02-16")
    assert ms("2026-03-17T09:30:00") < asked.until < ms("2026-03-17T09:31:00")


@pytest.mark.parametrize(
    ("since", "until", "meant"),
    [
        ("2026-03-01", "2026-03-02", ("2026-03-01", "2026-03-03")),
        ("2026-03-01T12:00:00Z", "2026-03-02T00:00:00Z", ("2026-03-01T12:00:00", "2026-03-02")),
        ("2026-03-01t12:00:00.5z", "2026-03-02", ("2026-03-01T12:00:00.500", "2026-03-03")),
        ("2026-03-01T08:00:00+08:00", "2026-03-02", ("2026-03-01", "2026-03-03")),
        ("2026-03-01T08:00:00 08:00", "2026-03-02", ("2026-03-01", "2026-03-03")),
        ("2026-03-01T00:00:00-05:30", "2026-03-02", ("2026-03-01T05:30:00", "2026-03-03")),
    ],
)
def test_times_are_dates_or_moments(since: str, until: str, meant: tuple[str, str]) -> None:
    asked = asked_of({"from": since, "to": until}, ANN, NOW)

    assert (asked.since, asked.until) == (ms(meant[0]), ms(meant[1]))


@pytest.mark.parametrize(
    ("param", "value"),
    [
        ("from", "yesterday"),
        ("from", "2026-02-30"),
        ("from", "2026-W01"),
        ("from", "20260101"),
        ("from", "2026-03-01T12:00:00"),
        ("from", "2026-03-01T25:00:00Z"),
        ("from", "0001-01-01T00:00:00+14:00"),
        ("from", "1969-12-31"),
        ("to", "9999-12-31"),
        ("from", "2026-03-18"),
        ("from", "2025-03-16T09:30:00Z"),
        ("by", "week"),
        ("by", "day,"),
        ("by", "day;model"),
        ("limit", "0"),
        ("limit", "-1"),
        ("limit", "10001"),
        ("limit", "٣"),
        ("limit", "9" * 30),
        ("key", "a\x00"),
        ("key", "a" * 256),
        ("cursor", "nonsense"),
        ("cursor", "W10"),
        ("cursor", "!!!!"),
    ],
)
def test_what_is_not_acceptable_is_named(param: str, value: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        asked_of({param: value}, ANN, NOW)

    assert refused.value.param == param


def test_a_year_is_the_most_that_is_added_up_at_once() -> None:
    leap = asked_of({"from": "2024-01-01", "to": "2024-12-31"}, ANN, NOW)

    assert (leap.until - leap.since) // 86_400_000 == 366
    for given in ({"from": "2024-01-01", "to": "2025-01-01"}, {"to": "2027-03-17"}):
        with pytest.raises(Unprocessable, match="366 days") as refused:
            asked_of(given, ANN, NOW)
        assert refused.value.param == "from"


def test_what_is_empty_is_not_given() -> None:
    empty = dict.fromkeys(("from", "to", "by", "limit", "cursor", "user", "key"), "")

    assert asked_of(empty, ANN, NOW) == query()


def test_groups_are_taken_in_their_order_and_once() -> None:
    assert query(by="status, day,status").by == ("status", "day")


def test_one_sees_ones_own_and_admins_see_everybodys() -> None:
    assert query().user == "ann"
    assert query(user="ann", key="k1").user == "ann"
    assert query(key="k1").key_id == "k1"
    assert query(ADMIN).user is None
    assert query(ADMIN, user="bob").user == "bob"
    assert query(LOCAL).user is None
    assert query(GUEST).user == "local"
    with pytest.raises(Forbidden):
        query(GUEST, user="ann")
    with pytest.raises(Forbidden):
        query(user="bob")


@pytest.mark.parametrize(
    ("scopes", "may"),
    [
        (USUAL_SCOPES, True),
        ({"usage:read"}, True),
        ({"chat", "sessions:write", "tools", "metrics"}, False),
    ],
)
async def test_it_needs_one_of_two_scopes(scopes: set[str], may: bool) -> None:
    principal = Principal("ann", scopes=frozenset(scopes))

    if may:
        assert (await get(Book(), principal)).status_code == 200
    else:
        with pytest.raises(Forbidden, match="usage:read"):
            await get(Book(), principal)


async def test_rows_tell_their_group_and_their_sums() -> None:
    book = Book(row("2026-03-01", "large", cost=0.25), row("2026-03-02", ""))

    told = body(await get(book))

    assert told["rows"][0] == {
        "day": "2026-03-01",
        "model": "large",
        "turns": 2,
        "input_tokens": 20,
        "output_tokens": 7,
        "total_tokens": 27,
        "estimated": 1,
        "cost": 0.25,
    }
    assert (told["rows"][1]["model"], told["rows"][1]["cost"]) == (None, None)
    assert told["totals"] == {
        "turns": 3,
        "input_tokens": 30,
        "output_tokens": 12,
        "total_tokens": 42,
        "estimated": 1,
        "cost": 0.5,
    }
    assert (told["from"], told["by"]) == ("2026-02-16T00:00:00Z", ["day", "model"])
    assert told["next_cursor"] is None


async def test_a_cursor_goes_on_in_the_time_of_the_first_page() -> None:
    book = Book(*(row("2026-03-01", f"m{k}") for k in range(5)))
    seen: list[str] = []
    totals: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        told = body(await get(book, limit="2", cursor=cursor))
        totals.append(told["totals"])
        seen += [each["model"] for each in told["rows"]]
        cursor = told["next_cursor"]

    assert seen == [f"m{k}" for k in range(5)]
    assert totals == [totals[0], None, None]
    assert totals[0]["turns"] == 3
    assert {(asked.since, asked.until) for asked in book.asked} == {
        (book.asked[0].since, book.asked[0].until)
    }
    later = asked_of({"cursor": _second(book)}, ANN, NOW + 86_400)
    assert later.until == book.asked[0].until


def _second(book: Book) -> str:
    asked = book.asked[0]
    place = [asked.since, asked.until, ["day", "model"], ["2026-03-01", "m1"]]
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "place",
    [
        [0, 1, ["day"], ["2026-03-01"]],
        [0, 1, ["day", "model"], ["2026-03-01"]],
        [0, 1, ["day", "model"], ["soon", "m"]],
        [0, 1, ["day", "model"], ["2026-02-31", "m"]],
        [0, 1, ["day", "model"], ["2026-03-01", "a\x00"]],
        [0, 2**60, ["day", "model"], ["2026-03-01", "m"]],
        [-1, 1, ["day", "model"], ["2026-03-01", "m"]],
        [2**53 - 2, 2**53 - 1, ["day", "model"], ["2026-03-01", "m"]],
        [221_900_000_000_000, 221_900_000_000_001, ["day", "model"], ["2026-03-01", "m"]],
        [5, 5, ["day", "model"], ["2026-03-01", "m"]],
        [0, 1, ["day", "model"], ["2026-03-01", "m"], 5],
        {"since": 0},
    ],
)
def test_a_cursor_that_was_not_given_for_this_is_none(place: Any) -> None:
    forged = base64.urlsafe_b64encode(json.dumps(place).encode()).decode()

    with pytest.raises(Unprocessable, match="cursor"):
        query(cursor=forged)


def test_a_forged_cursor_opens_nothing_of_anothers() -> None:
    place = [0, 1, ["day", "user"], ["2026-03-01", "bob"]]
    forged = base64.urlsafe_b64encode(json.dumps(place).encode()).decode()

    assert query(by="day,user", cursor=forged).user == "ann"


@pytest.mark.parametrize(
    ("accept", "named", "kind"),
    [
        ("*/*", "", "application/json"),
        ("text/csv", "", "text/csv; charset=utf-8"),
        ("TEXT/CSV; q=0.9, */*; q=0.1", "", "text/csv; charset=utf-8"),
        ("text/csv, application/json", "", "application/json"),
        ("application/json", "csv", "text/csv; charset=utf-8"),
        ("text/csv", "json", "application/json"),
    ],
)
async def test_the_form_is_asked_for_in_two_ways(accept: str, named: str, kind: str) -> None:
    response = await get(Book(), accept=accept, format=named)

    assert response.headers["content-type"] == kind
    assert response.headers["cache-control"] == "no-store"


async def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(Unprocessable, match="format"):
        await get(Book(), format="xlsx")


async def test_a_table_has_a_head_and_all_rows_and_tells_what_follows() -> None:
    book = Book(row("2026-03-01", "a,b"), row("2026-03-01", 'say "hi"\n', cost=0.25))

    response = await get(book, format="csv")

    assert table(response) == [
        ["day", "model", *FIGURES],
        ["2026-03-01", "a,b", "2", "20", "7", "27", "1", ""],
        ["2026-03-01", 'say "hi"\n', "2", "20", "7", "27", "1", "0.25"],
    ]
    assert bytes(response.body).startswith(b"day,model,turns")
    assert b"\r\n2026-03-01," in bytes(response.body)
    assert "usage.csv" in response.headers["content-disposition"]
    assert book.asked[0].limit == MOST_ROWS
    assert "x-next-cursor" not in response.headers
    paged = await get(book, format="csv", limit="1")
    assert len(table(paged)) == 2
    rest = await get(book, format="csv", limit="1", cursor=paged.headers["x-next-cursor"])
    assert table(rest)[1][1] == 'say "hi"\n'


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
async def test_no_cell_is_a_formula(first: str) -> None:
    model = first + 'HYPERLINK("http://evil.example")'
    book = Book(row("2026-03-01", model))

    (_, cells) = table(await get(book, format="csv"))

    assert cells[1] == f"'{model}"
    assert (plain("a" + model), plain("")) == ("a" + model, "")
    assert body(await get(book))["rows"][0]["model"] == model


def test_the_document_tells_each_parameter() -> None:
    (route,) = router(Book()).routes

    assert route.summary  # type: ignore[attr-defined]  # an APIRoute
    told = route.openapi_extra["parameters"]  # type: ignore[attr-defined]  # likewise
    assert {each["name"] for each in told} == {
        "from",
        "to",
        "by",
        "user",
        "key",
        "limit",
        "cursor",
        "format",
    }
