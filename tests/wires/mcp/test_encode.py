"""A turn as text while it comes, and as a result or an error at its end."""

from __future__ import annotations

import json

import pytest

from talkwire.canon.errors import Busy, NotFound, StorageUnavailable, TalkwireError, Unauthorized
from talkwire.canon.events import TurnCompleted
from talkwire.canon.records import SessionRecord, StoredMessage
from talkwire.canon.turn import text_message
from talkwire.wires.mcp import encode, shapes
from talkwire.wires.mcp.encode import Encoder, NotJsonRpc
from tests.cases.turns import CASES, SESSION, TURN


def ended(case: str) -> tuple[str, Encoder]:
    """What was said on the way, and the encoder behind it."""
    encoder = Encoder(TURN, SESSION)
    said = b"".join(piece for event in CASES[case] for piece in encoder.feed([event]))
    return said.decode(), encoder


@pytest.mark.parametrize("case", CASES)
def test_every_case_ends_in_an_answer_that_has_its_shape_or_in_an_error(case: str) -> None:
    _, encoder = ended(case)
    if isinstance(encoder.state.terminal, TurnCompleted):
        given = encode.answer(encoder.state)
        shapes.ChatAnswer.model_validate(given, strict=True)
        assert (given["turn_id"], given["session_id"]) == (TURN, SESSION)
    else:
        with pytest.raises(TalkwireError) as caught:
            encode.answer(encoder.state)
        assert encode.told(caught.value)["error"]


def test_the_pieces_are_the_text() -> None:
    said, encoder = ended("plain")

    given = encode.answer(encoder.state)
    assert said == given["text"] == encode.spoken(given)
    assert given["message_id"] == f"msg_{TURN}"
    assert Encoder(TURN, SESSION).feed(CASES["plain"]) == [said.encode()]


def test_what_waits_for_a_person_is_said() -> None:
    waiting = {"tool_name": "erase", "arguments": '{"all":true}'}

    said = encode.spoken({"text": "", "approvals": [waiting]})

    assert said == 'Waiting for a person to approve erase({"all":true}).'


def test_full_pages_have_a_cursor() -> None:
    found = [SessionRecord(f"s_{n}", None, 1, 9 - n, "Hi") for n in range(2)]

    page = encode.session_list(found, 2)
    assert page["next_cursor"] == "8:s_1"
    assert encode.session_list(found, 3)["next_cursor"] is None
    shapes.SessionList.model_validate(page, strict=True)
    message = StoredMessage(text_message("m", "user", "Hi"), "s_1", "above", "t_1", 5)
    messages = encode.message_list([message], "s_1")
    assert messages["next_cursor"] == "above"
    shapes.MessageList.model_validate(messages, strict=True)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Unauthorized("A key is needed."), 401, -32600),
        (NotFound("No."), 404, -32600),
        (NotJsonRpc("No JSON."), 400, -32700),
        (StorageUnavailable("Away."), 503, -32603),
        (Busy("Busy.", turn_id="t_1"), 409, -32600),
    ],
)
def test_an_error_of_a_request_is_json_rpc_with_its_http_status(
    error: TalkwireError, status: int, code: int
) -> None:
    got, body, media = encode.fault(error, {"talkwire.request_id": "req_1"})

    told = json.loads(body)
    assert (got, media) == (status, "application/json")
    assert (told["jsonrpc"], told["id"], told["error"]["code"]) == ("2.0", None, code)
    assert told["error"]["data"] == {
        "code": error.code,
        "retryable": error.retryable,
        "request_id": "req_1",
    }
