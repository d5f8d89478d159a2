"""Queries and bodies of sessions to what stores are asked; cursors are opaque and not trusted."""

from __future__ import annotations

import base64

import pytest
from msgspec import UNSET

from talkwire.canon.errors import NotFound, Unprocessable
from talkwire.canon.sessions import HistoryAsked, SessionChange, SessionsAsked, Whose
from talkwire.web.faults import Invalid
from talkwire.web.principals import GUEST, LOCAL, Principal
from talkwire.wires.agent_chat import sessions_decode as decode

ANN = Principal("ann")


def test_a_list_is_ones_own_and_asks_for_one_more() -> None:
    assert decode.listed({}, ANN) == SessionsAsked(Whose("ann"), limit=51)
    query = {"q": "x", "archived": "all", "user_id": "u", "limit": "2", "cursor": "", "other": "y"}
    assert decode.listed(query, ANN) == SessionsAsked(
        Whose("ann", "u"), limit=3, text="x", archived=None
    )


@pytest.mark.parametrize(
    ("who", "user", "meant"),
    [
        (ANN, None, Whose("ann")),
        (ANN, "ann", Whose("ann")),
        (ANN, "u", Whose("ann", "u")),
        (Principal("root", admin=True), None, Whose("root")),
        (Principal("root", admin=True), "root", Whose(None, "root")),
        (LOCAL, "u", Whose(None, "u")),
        (GUEST, "u", Whose("local", "u")),
    ],
)
def test_whose_sessions_are_meant(who: Principal, user: str | None, meant: Whose) -> None:
    assert decode.whose(who, user) == meant


def test_cursors_come_back_as_they_went() -> None:
    cursor = decode.sessions_cursor(7, "s:1", "key:ä")
    assert decode.listed({"cursor": cursor}, ANN).after == (7, "s:1", "key:ä")
    cursor = decode.history_cursor("msg_1", 50)
    assert decode.history({"cursor": cursor, "limit": "9"}) == HistoryAsked(9, "msg_1", 50)


@pytest.mark.parametrize(
    "text",
    ["[]", "[1]", '["a",1]', '[1,"a","b",2]', '[-1,"a","b"]', '[1,"a\\u0000","b"]', "{}", "x", ""],
)
def test_a_cursor_of_somebody_elses_making_is_refused(text: str) -> None:
    cursor = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=") or "="
    with pytest.raises(Unprocessable) as refused:
        decode.listed({"cursor": cursor}, ANN)
    assert refused.value.param == "cursor"
    if text != '["a",1]':
        with pytest.raises(Unprocessable):
            decode.history({"cursor": cursor})


@pytest.mark.parametrize("text", ['["a\\u0000",1]', '["a",-1]', '["a",99999999999999999]'])
def test_a_place_that_no_database_could_look_for_is_refused(text: str) -> None:
    cursor = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    with pytest.raises(Unprocessable):
        decode.history({"cursor": cursor})


def test_a_change_knows_absent_from_null() -> None:
    assert decode.change({}) == SessionChange()
    assert decode.change({"title": None, "metadata": None}) == SessionChange(
        title=None, metadata={}
    )
    assert decode.change({"archived": True}).title is UNSET
    for body in ({"archived": None}, {"archived": "yes"}, {"x": 1}, {"title": "a\nb"}):
        with pytest.raises(Invalid):
            decode.change(body)


def test_metadata_is_bounded_by_its_bytes() -> None:
    assert decode.bounded(None) == {}
    assert decode.bounded({"a": "x" * 16_000}) == {"a": "x" * 16_000}
    with pytest.raises(Invalid):
        decode.bounded({"a": "你" * 6_000})
    with pytest.raises(Invalid):
        decode.bounded({"a": 10**5000})


@pytest.mark.parametrize("name", ["", "a/b", "x" * 129, "a\0", "a b"])
def test_what_is_no_sessions_name_is_not_there(name: str) -> None:
    with pytest.raises(NotFound):
        decode.known_id(name)
