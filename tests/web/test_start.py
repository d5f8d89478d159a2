"""Resuming, joining and idempotency, as every wire does them."""

from __future__ import annotations

import itertools
from functools import partial

import pytest
from starlette.requests import Request

from talkwire.canon.errors import BadCursor, BadRequest, NotFound
from talkwire.canon.turn import TurnRequest
from talkwire.engine.reader import Log
from talkwire.web.form import Form, StreamLimits
from talkwire.web.principals import PRINCIPAL, Principal
from talkwire.web.start import Door, digest, idempotency_of, join_window, traceparent_of
from talkwire.wires.native.encode import Encoder
from talkwire.wires.native.routes import FORM as NATIVE
from talkwire.wires.responses_sse.routes import FORM as RESPONSES
from talkwire.wires.routed_chat.routes import FORM as ROUTED
from talkwire.wires.support.routes import EVENT_SOURCE
from talkwire.wires.support.routes import FORM as SUPPORT
from tests.cases.turns import CASES, SESSION, TURN
from tests.web.wire import Client, OneTurn, scope

FORMS = {
    "native": NATIVE,
    "responses_sse": RESPONSES,
    "routed_chat": ROUTED,
    "support": SUPPORT,
    "support_get": EVENT_SOURCE,
}
SHORT = [name for name in CASES if name != "long"]


def request(headers: dict[str, str] | None = None, query: str = "") -> Request:
    return Request(scope("/turns", "POST", headers, query))


def door(turns: OneTurn, form: Form = NATIVE) -> Door:
    return Door(turns, form, StreamLimits())


async def resumed(turns: OneTurn, form: Form, at: int) -> bytes | int:
    """The bytes that come after frame `at`, or the status when there are none."""
    asked = request({"Last-Event-ID": f"{TURN}:{at}"})
    answer = await door(turns, form).resume(asked)
    assert answer is not None
    client = Client()
    await answer(asked.scope, client.receive, client.send)
    assert client.complete
    return client.body if answer.status_code == 200 else answer.status_code


@pytest.mark.parametrize(("wire", "case"), list(itertools.product(FORMS, SHORT)))
async def test_resuming_gives_the_rest_at_every_frame_of_every_case(wire: str, case: str) -> None:
    turns, form = OneTurn(CASES[case]), FORMS[wire]
    frames = form.encoder(TURN, SESSION).feed(CASES[case])

    last = form.first + len(frames) - 1
    for at in range(last):
        assert await resumed(turns, form, at) == b"".join(frames[at + 1 - form.first :])

    assert await resumed(turns, form, last) == 204
    assert not turns.log.readers


@pytest.mark.parametrize("wire", FORMS)
async def test_a_long_turn_resumes_anywhere(wire: str) -> None:
    turns, form = OneTurn(CASES["long"]), FORMS[wire]
    frames = form.encoder(TURN, SESSION).feed(CASES["long"])

    for at in (*range(0, len(frames) - 1, 131), 254, 255, 256, 257, len(frames) - 2):
        assert await resumed(turns, form, at) == b"".join(frames[at + 1 - form.first :])


async def test_resuming_a_running_turn_waits_for_more() -> None:
    turns = OneTurn(CASES["plain"])
    turns.log.held = 4
    frames = NATIVE.encoder(TURN, SESSION).feed(CASES["plain"])
    answer = await door(turns).resume(request(query=f"lastEventId={TURN}:3"))
    assert answer is not None
    turns.log.show(len(CASES["plain"]))
    client = Client()

    await answer(scope(), client.receive, client.send)

    assert client.body == b"".join(frames[4:])


@pytest.mark.parametrize("value", ["x", f"{TURN}", f"{TURN}:", f"{TURN}:-1", f"{TURN}:1 ", ":1"])
async def test_a_malformed_cursor_is_refused(value: str) -> None:
    with pytest.raises(BadCursor):
        await door(OneTurn()).resume(request(query=f"lastEventId={value}"))


@pytest.mark.parametrize("held", [3, 9])
async def test_a_cursor_beyond_the_head_is_refused_and_frees_the_reader(held: int) -> None:
    turns = OneTurn(CASES["plain"])
    turns.log.held = held

    with pytest.raises(BadCursor):
        await door(turns).resume(request({"Last-Event-ID": f"{TURN}:{held}"}))

    assert not turns.log.readers


async def test_a_cursor_beyond_this_process_is_looked_up_in_storage() -> None:
    turns = OneTurn(CASES["plain"])
    turns.log.held, turns.stored = 3, Log(CASES["plain"])

    answer = await door(turns).resume(request({"Last-Event-ID": f"{TURN}:5"}))

    assert answer is not None
    client = Client()
    await answer(scope(), client.receive, client.send)
    assert client.body == b"".join(Encoder(TURN, SESSION).feed(CASES["plain"])[6:])
    assert not turns.log.readers
    assert not turns.stored.readers


async def test_a_cursor_of_another_turn_is_refused_and_an_unknown_turn_is_not_found() -> None:
    other = TURN[:-1] + "z"
    asked = request({"Last-Event-ID": f"{other}:0"})

    with pytest.raises(BadCursor):
        await door(OneTurn()).resume(asked, TURN)
    with pytest.raises(NotFound):
        await door(OneTurn()).resume(asked)


async def test_without_a_cursor_nothing_is_resumed() -> None:
    assert await door(OneTurn()).resume(request()) is None


async def test_following_begins_at_the_start() -> None:
    turns = OneTurn(CASES["plain"])
    client = Client()

    await (await door(turns).follow(request(), TURN))(scope(), client.receive, client.send)

    assert client.body == b"".join(NATIVE.encoder(TURN, SESSION).feed(CASES["plain"]))


def test_a_key_covers_path_and_body_in_any_order_of_fields() -> None:
    asked = request({"Idempotency-Key": "abc"})

    one = idempotency_of(asked, {"a": 1, "b": 2})
    two = idempotency_of(asked, {"b": 2, "a": 1})
    other = idempotency_of(asked, {"a": 1, "b": 3})

    assert one == two
    assert one is not None
    assert other is not None
    assert (one.key, other.key) == ("key:abc", "key:abc")
    assert one.fingerprint != other.fingerprint


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "\x7f"])
def test_a_key_that_is_not_visible_ascii_is_refused(key: str) -> None:
    with pytest.raises(BadRequest):
        idempotency_of(request({"Idempotency-Key": key}), {})


def test_equal_gets_share_a_window_and_others_do_not() -> None:
    assert join_window("w", ["a"]) == join_window("w", ["a"])
    assert join_window("w", ["a"]).key != join_window("w", ["b"]).key
    assert not join_window("w", ["a"]).key.startswith("key:")
    assert len(digest({})) == 64


async def test_errors_of_a_wire_take_its_shape_after_entering() -> None:
    asked = request()

    owner = door(OneTurn()).enter(asked, "chat")

    assert owner == "local"
    assert asked.scope["talkwire.fault"] is NATIVE.fault


@pytest.mark.parametrize("key_id", [None, "k1"])
async def test_the_key_that_asks_pays_for_turns_and_for_decisions(key_id: str | None) -> None:
    turns, asked = OneTurn(), request()
    asked.scope[PRINCIPAL] = Principal("ann", key_id)

    await door(turns).start(asked, TurnRequest(SESSION, "native"), None)
    await door(turns).begin(asked, partial(turns.decide, call_id="call_1", approve=True))

    assert turns.key_ids == [key_id, key_id]


TRACE = f"00-{'a1' * 16}-{'b2' * 8}-01"


async def test_the_span_of_the_caller_goes_with_the_turn() -> None:
    turns = OneTurn()
    for headers in ({"traceparent": TRACE}, {}):
        await door(turns).start(request(headers), TurnRequest(SESSION, "native"), None)

    assert [each.traceparent for each in turns.asked] == [TRACE, ""]


@pytest.mark.parametrize(
    "given",
    [
        "",
        "canary",
        TRACE.upper(),
        TRACE + "-x",
        "ff" + TRACE[2:],
        f"00-{'0' * 32}-{'b' * 16}-01",
        f"00-{'a' * 32}-{'0' * 16}-01",
    ],
)
def test_what_names_no_span_is_passed_over(given: str) -> None:
    assert traceparent_of(request({"traceparent": given})) == ""
