"""Files that somebody else has made: the first place that is wrong is named."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from talkwire.canon.sessions import Archive, ArchivedMessage
from talkwire.canon.turn import Call, Message, TextPart
from talkwire.web.faults import Invalid
from talkwire.wires.agent_chat.sessions_file import written
from talkwire.wires.agent_chat.sessions_import import archive

TIME = "2026-01-01T12:00:00.000Z"


def message(parent: int | None, turn: int, role: str = "user", **more: Any) -> dict[str, Any]:
    return {
        "parent": parent,
        "turn": turn,
        "role": role,
        "content": [{"type": "text", "text": "x"}],
        "created_at": TIME,
        **more,
    }


def file(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "format": "talkwire.session",
        "version": 1,
        "session_id": "s_1",
        "created_at": TIME,
        "updated_at": TIME,
        "leaf": None,
        "messages": list(messages),
        **more,
    }


def calls(*ids: str) -> list[dict[str, str]]:
    return [{"call_id": each, "name": "f", "arguments": "{}"} for each in ids]


ASKS = message(0, 0, "assistant", tool_calls=calls("a", "b"))
GIVES = message(1, 0, "tool", tool_call_id="a")


@pytest.mark.parametrize(
    ("messages", "place"),
    [
        ([message(0, 0)], "messages.0.parent"),
        ([message(None, 0), message(2, 0), message(1, 0)], "messages.1.parent"),
        ([message(None, 1)], "messages.0.turn"),
        ([message(None, 0), message(None, 0)], "messages.1.turn"),
        ([message(None, 0), message(0, 0), message(0, 0)], "messages.2.turn"),
        ([message(None, 0), message(0, 1), message(0, 1)], "messages.2.turn"),
        ([message(None, 0, "tool", tool_call_id="a")], "messages.0.tool_call_id"),
        ([message(None, 0), ASKS, {**GIVES, "tool_call_id": "c"}], "messages.2.tool_call_id"),
        ([message(None, 0), ASKS, GIVES, {**GIVES, "parent": 2}], "messages.3.tool_call_id"),
        ([message(None, 0), ASKS, {**GIVES, "parent": 0, "turn": 1}], "messages.2.tool_call_id"),
        ([message(None, 0, "tool")], "messages.0.tool_call_id"),
        ([message(None, 0, tool_call_id="a")], "messages.0.tool_call_id"),
        ([message(None, 0, tool_calls=calls("a"))], "messages.0.tool_calls"),
        ([message(-1, 0)], "messages.0.parent"),
        ([message(None, 0, content="x")], "messages.0.content"),
        ([message(None, 0, created_at="2026-13-01T00:00:00Z")], "messages.0.created_at"),
        ([message(None, 0, created_at="0001-01-01T00:00:00+14:00")], "messages.0.created_at"),
        ([message(None, 0, scene={"confidence": 2})], "messages.0.scene.confidence"),
        ([message(None, 0)] * 10_001, "messages"),
    ],
)
def test_what_is_no_tree_of_turns_is_refused(messages: list[dict[str, Any]], place: str) -> None:
    with pytest.raises(Invalid) as refused:
        archive(file(*messages))
    assert refused.value.param == place


def test_a_call_is_answered_once_on_each_branch() -> None:
    tree = [message(None, 0), ASKS, GIVES, {**GIVES, "turn": 1}, message(3, 2)]
    both = {**GIVES, "parent": 2, "tool_call_id": "b"}

    assert len(archive(file(*tree)).messages) == 5
    assert len(archive(file(*tree[:3], both)).messages) == 4


def test_a_deep_tree_is_no_deep_recursion() -> None:
    chain = [message(None, 0), *(message(n, 0) for n in range(9_999))]
    assert len(archive(file(*chain, leaf=9_999)).messages) == 10_000


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"leaf": 1}, "leaf"),
        ({"version": 2}, "version"),
        ({"format": "x"}, "format"),
        ({"extra": 1}, "extra"),
        ({"metadata": {"a": "x" * 20_000}}, "metadata"),
        ({"updated_at": "now"}, "updated_at"),
        ({"title": "a\x07"}, "title"),
        ({"user_id": "\0"}, "user_id"),
    ],
)
def test_the_rest_of_a_file_is_looked_at_too(more: dict[str, Any], place: str) -> None:
    with pytest.raises(Invalid) as refused:
        archive(file(message(None, 0), **more))
    assert refused.value.param == place


def test_other_ways_to_write_a_time_are_read() -> None:
    given = file(message(None, 0, created_at="2026-01-01t13:00:00.5+01:00"))
    assert archive(given).messages[0].at == 1_767_268_800_500


@pytest.mark.parametrize("name", ["", "n" * 300])
def test_takes_back_calls_with_whatever_id_and_name_a_model_wrote(name: str) -> None:
    call_id = "c" * 5_000
    asked = Message("", "user", (TextPart("When?"),))
    calls = Message("", "assistant", (), (Call(call_id, name, "{}"),))
    result = Message("", "tool", (TextPart("There is no such tool."),), call_id=call_id)
    given = tuple(
        ArchivedMessage(message, number - 1 if number else None, 0, 1)
        for number, message in enumerate((asked, calls, result))
    )
    whole = Archive("s_1", 1, 2, given, 2)
    file = written(whole)
    assert written(archive(msgspec.json.decode(file))) == file
