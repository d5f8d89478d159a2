"""Where a client stands."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from talkwire.canon.errors import BadCursor
from talkwire.web import cursor
from talkwire.web.cursor import Cursor
from tests.cases.turns import TURN
from tests.web.wire import scope


def test_the_header_wins_over_the_query() -> None:
    request = Request(scope("/", headers={"Last-Event-ID": f"{TURN}:7"}, query="lastEventId=x"))

    assert cursor.of(request) == Cursor(TURN, 7)


def test_the_query_serves_clients_that_cannot_send_headers() -> None:
    assert cursor.of(Request(scope("/", query=f"lastEventId={TURN}%3A0"))) == Cursor(TURN, 0)


@pytest.mark.parametrize("query", ["", "lastEventId="])
def test_no_cursor_is_none(query: str) -> None:
    assert cursor.of(Request(scope("/", query=query))) is None


@pytest.mark.parametrize(
    "value", ["", "7", TURN, f"{TURN}:", f"{TURN}:-1", f"{TURN}:1\n", f"{TURN}:٣", f"x{TURN}:1"]
)
def test_other_forms_are_refused(value: str) -> None:
    with pytest.raises(BadCursor):
        cursor.parse(value)
