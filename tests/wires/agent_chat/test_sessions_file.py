"""A session's file: the same bytes for the same session, and no id but the session's."""

from __future__ import annotations

import json

from hypothesis import given, settings

from talkwire.canon.scenarios import Scene
from talkwire.canon.sessions import Archive, ArchivedMessage
from talkwire.canon.turn import Call, Message, TextPart
from talkwire.wires.agent_chat.sessions_file import written
from talkwire.wires.agent_chat.sessions_import import archive
from tests import trees
from tests.trees import AT

SCENE = Scene(
    "Orders", "1 Late", confidence=0.25, slots={"b": "2", "a": "1"}, choices=(("x", "y"),)
)
FULL = Archive(
    "s_1",
    AT,
    AT + 7,
    (
        ArchivedMessage(Message("", "user", (TextPart("Hi"),)), None, 0, AT),
        ArchivedMessage(Message("", "assistant", (), (Call("c", "f", "{"),), model="m"), 0, 0, AT),
        ArchivedMessage(
            Message("", "tool", (TextPart("1"),), call_id="c", incomplete=True), 1, 0, AT
        ),
        ArchivedMessage(
            Message("", "assistant", (TextPart("On"),), finish_reason="length", scene=SCENE),
            2,
            0,
            AT,
        ),
    ),
    leaf=3,
)


def test_a_file_tells_what_is_there_and_nothing_that_is_usual() -> None:
    told = json.loads(written(FULL))

    assert told["messages"][0] == {
        "parent": None,
        "turn": 0,
        "role": "user",
        "content": [{"type": "text", "text": "Hi"}],
        "created_at": "2026-09-21T14:13:20.000Z",
    }
    assert told["messages"][1]["tool_calls"] == [{"call_id": "c", "name": "f", "arguments": "{"}]
    assert told["messages"][2]["tool_call_id"] == "c"
    assert told["messages"][3]["scene"]["slots"] == {"b": "2", "a": "1"}
    assert (told["format"], told["version"], told["leaf"]) == ("talkwire.session", 1, 3)


def test_what_was_written_is_read_as_it_was() -> None:
    assert archive(json.loads(written(FULL))) == FULL


@settings(max_examples=40, deadline=None)
@given(trees.archives())
def test_every_tree_is_read_as_it_was_written(given: Archive) -> None:
    body = written(given)
    back = archive(json.loads(body))

    assert back == given
    assert written(back) == body
