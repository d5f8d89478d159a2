"""What this wire says that the cases do not show; the frames of all cases are golden files."""

from __future__ import annotations

from typing import Any

import pytest

from talkwire.canon.events import AnyEvent, Stamped, ToolCalled, ToolFinished
from talkwire.wires.tool_chat.encode import Encoder
from tests.cases.turns import CASES, SESSION, TURN, finish, said, stamp, start
from tests.wires.frames import Frame, parse


def frames(events: list[Stamped]) -> list[Frame]:
    return parse(b"".join(Encoder(TURN, SESSION).feed(events)), events=False)


def complete(case: str) -> dict[str, Any]:
    message: dict[str, Any] = frames(CASES[case])[-1].data["data"]["message"]
    return message


def test_a_token_costs_no_more_than_its_bytes() -> None:
    (frame,) = Encoder(TURN, SESSION).feed([Stamped(2, 0, said(['a"\n\u2028'])[0])])

    assert frame == (
        b"id: %b:0\n" % TURN.encode()
        + b'data: {"type":"chunk","data":{"content":"a\\"\\n\\u2028"}}\n\n'
    )


def test_the_end_is_the_message_as_it_is_stored() -> None:
    message = complete("tool_call")

    assert list(message) == [
        "id",
        "session_id",
        "role",
        "content",
        "tool_calls",
        "model",
        "usage",
        "finish_reason",
        "created_at",
    ]
    assert message["id"] == f"msg_{TURN}"
    assert message["content"] == "Blue sky."
    assert [call["tool_name"] for call in message["tool_calls"]] == ["weather"]


@pytest.mark.parametrize(
    ("case", "reason", "text"),
    [
        ("plain", "stop", "Hello, world."),
        ("cut_by_length", "length", "Too lo"),
        ("aborted_midway", "aborted", "Half an ans"),
        ("aborted_before_text", "aborted", ""),
        ("aborted_in_a_tool", "aborted", "Let me look."),
        ("approval", "approval_required", "May I?"),
        ("adopted_and_continued", "stop", "Half and half"),
    ],
)
def test_how_it_ended_and_what_was_said_by_then(case: str, reason: str, text: str) -> None:
    message = complete(case)

    assert (message["finish_reason"], message["content"]) == (reason, text)


def test_a_failure_ends_in_words_and_a_code() -> None:
    (*_, last) = frames(CASES["failed_midway"])

    assert last.data == {
        "type": "error",
        "data": {"error": "The model took too long.", "code": "upstream_timeout"},
    }


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ('{"a":\n {"b": [1, null]}}', {"a": {"b": [1, None]}}),
        ("{}", {}),
        *(
            (text, {"_not_a_json_object": text})
            for text in ("", "[1]", "null", '"x"', "{", '{"a":NaN}', '{"a":1e999}', "\x00")
        ),
        ('{"a":' * 500 + "1" + "}" * 500, {"_not_a_json_object": '{"a":' * 500 + "1" + "}" * 500}),
    ],
)
def test_arguments_are_always_an_object(written: str, shown: Any) -> None:
    events: list[AnyEvent] = [*start(), ToolCalled("call_1", "t", written)]

    (frame,) = frames(stamp(events))
    assert frame.data["data"]["arguments"] == shown


def test_extensions_are_there_only_where_they_are_true() -> None:
    results = [frame.data["data"] for frame in frames(CASES["tool_streams"])]
    marked = [set(data) - {"tool_call_id", "result"} for data in results if "result" in data]

    assert marked == [{"is_error"}, {"summarized"}, {"is_error"}, {"truncated"}]


def test_the_text_before_a_round_of_tools_is_no_part_of_the_answer() -> None:
    called, result = ToolCalled("call_1", "t", "{}"), ToolFinished("call_1", "1")
    events = [*start(), *said(["Wait."]), called, result, *said(["Do", "ne."]), *finish("Done.")]
    (*_, last) = frames(stamp(events))

    assert last.data["data"]["message"]["content"] == "Done."
