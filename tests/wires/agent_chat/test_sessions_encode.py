"""What is told of sessions, their messages and sums."""

from __future__ import annotations

from talkwire.canon.records import StoredMessage, Usage
from talkwire.canon.sessions import HistoryEntry, HistoryPage, Session, SessionStats
from talkwire.canon.turn import Call, Message, TextPart
from talkwire.wires.agent_chat import sessions_encode as encode
from talkwire.wires.agent_chat.sessions_decode import history, history_cursor
from talkwire.wires.agent_chat.sessions_shapes import (
    HistoryShape,
    SessionShape,
    SessionsShape,
    StatsShape,
)

AT = 1_790_000_000_000
SESSION = Session("s_1", "ann", AT, AT + 1, AT + 2, title="T", label="u", last="Hi")


def test_a_session_has_the_shape_that_is_promised() -> None:
    told = encode.session(SESSION)

    assert SessionShape.model_validate(told).model_dump() == told
    assert (told["user_id"], told["created_at"]) == ("u", "2026-09-21T14:13:20.000Z")


def test_one_more_than_asked_for_says_that_others_follow() -> None:
    whole = encode.sessions([SESSION], 1)
    some = encode.sessions([SESSION, SESSION], 1)

    assert whole["next_cursor"] is None
    assert len(some["sessions"]) == 1
    assert some["next_cursor"] is not None
    assert some["sessions"][0]["last_message"] == "Hi"
    SessionsShape.model_validate(some)


def test_messages_are_told_with_their_calls_and_their_turn() -> None:
    calls = (Call("c1", "clock", '{"zone":"UTC"}'), Call("c2", "clock", "oops"))
    asking = Message("msg_t_0", "assistant", (), calls, model="m")
    result = Message("msg_t_1", "tool", (TextPart("noon"),), call_id="c1")
    entries = (
        HistoryEntry(StoredMessage(asking, "s", None, "t", AT), "guide", "failed", Usage(1, 2)),
        HistoryEntry(StoredMessage(result, "s", "msg_t_0", "t", AT), metadata='{"a":1}'),
    )
    told = encode.history("s", HistoryPage(entries, "msg_t", 9), 4)

    HistoryShape.model_validate(told)
    first, second = told["messages"]
    assert first["tool_calls"][0] == {
        "call_id": "c1",
        "name": "clock",
        "arguments": {"zone": "UTC"},
    }
    assert first["tool_calls"][1]["arguments"] == {"_not_a_json_object": "oops"}
    assert (first["agent_id"], first["status"], first["usage"]["total_tokens"]) == (
        "guide",
        "failed",
        3,
    )
    assert (second["tool_call_id"], second["content"], second["metadata"]) == (
        "c1",
        "noon",
        {"a": 1},
    )
    assert (second["agent_id"], second["status"]) == (None, None)
    assert history({"cursor": told["next_cursor"]}).position == 6
    assert told["next_cursor"] == history_cursor("msg_t", 6)


def test_the_last_page_and_an_empty_one_have_no_cursor() -> None:
    message = Message("m", "user", (TextPart("Hi"),))
    entry = HistoryEntry(StoredMessage(message, "s", None, "t", AT), None, "completed")

    assert encode.history("s", HistoryPage((entry,), "m", 5), 4)["next_cursor"] is None
    assert encode.history("s", HistoryPage((), None, 0), 0)["next_cursor"] is None
    assert encode.history("s", HistoryPage((), "m", 5), 9)["next_cursor"] is None
    (told,) = encode.history("s", HistoryPage((entry,), "m", 1), 0)["messages"]
    assert told["agent_id"] == "assistant"


def test_sums_are_told_in_seconds() -> None:
    stats = SessionStats(1, 2, {"completed": 3}, 4, 5, None, AT, AT, 1234.5678, 1500, 2500)
    told = encode.stats("u", stats)
    nothing = encode.stats("u", SessionStats(0, 0, {}, 0, 0, None, None, None, None, None, 0))

    StatsShape.model_validate(told)
    StatsShape.model_validate(nothing)
    assert (told["average_answer_s"], told["p95_answer_s"], told["voice_s"]) == (1.234568, 1.5, 2.5)
    assert told["total_tokens"] == 9
    assert (nothing["first_activity"], nothing["p95_answer_s"]) == (None, None)
