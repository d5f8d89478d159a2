"""Requests to turns."""

from __future__ import annotations

import json
from typing import Any

import pytest

from talkwire.canon.sessions import Session
from talkwire.canon.turn import TurnRequest
from talkwire.web.faults import Invalid
from talkwire.wires.agent_chat import decode
from tests.cases.turns import SESSION

GOOD = {"session_id": SESSION, "content": "Hello"}
PLAIN = Session(SESSION, "ann", 1, 2, 3)


def turn(most_chars: int = 200_000, session: Session = PLAIN, **given: Any) -> TurnRequest:
    shape = decode.message({**GOOD, **given}, most_chars=most_chars)
    return decode.turn(shape, session)


def test_a_message_is_a_turn_of_its_session() -> None:
    assert turn() == TurnRequest(
        session_id=SESSION, wire="agent-chat", parts=turn().parts, agent=None
    )
    assert turn().text == "Hello"


def test_null_and_unknown_fields_count_as_absent() -> None:
    assert turn(agent_id=None, attachments=None, metadata=None, model="gpt", id=7) == turn()


def test_an_agent_is_named_and_the_assistant_is_nobody_special() -> None:
    assert turn(agent_id="weather").agent == "weather"
    assert turn(agent_id="assistant").agent is None


def test_a_sessions_own_agent_and_prompt_answer_where_a_message_names_none() -> None:
    session = Session(SESSION, "ann", 1, 2, 3, agent="guide", prompt="formal@2")

    assert (turn(session=session).agent, turn(session=session).prompt) == ("guide", "formal@2")
    assert turn(session=session, agent_id="weather").agent == "weather"
    assert turn(session=session, agent_id="assistant").agent is None


def test_attachments_are_texts_behind_the_content_each_by_its_name() -> None:
    given = [{"type": "text", "name": 'a "b".txt', "text": "1\n2"}, {"type": "text", "text": "x"}]
    content, *attached = turn(attachments=given).parts

    assert content.text == "Hello"
    assert [part.text for part in attached] == [
        '\n\n<attachment name="a \\"b\\".txt">\n1\n2\n</attachment>',
        "\n\n<attachment>\nx\n</attachment>",
    ]


def test_metadata_is_kept_as_json() -> None:
    assert json.loads(turn(metadata={"page": {"id": 7}}).metadata) == {"page": {"id": 7}}
    assert turn(metadata={}).metadata == ""


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"session_id": "a b"}, "session_id"),
        ({"session_id": None}, "session_id"),
        ({"content": ""}, "content"),
        ({"content": "x" * 11}, "content"),
        ({"agent_id": ""}, "agent_id"),
        ({"attachments": [{"type": "image", "url": "http://x"}]}, "attachments.0.type"),
        ({"attachments": [{"type": "text", "text": ""}]}, "attachments.0.text"),
        ({"attachments": [{"type": "text", "text": "123456"}]}, "attachments"),
        ({"attachments": [{"type": "text", "text": "1"}] * 21}, "attachments"),
        ({"metadata": []}, "metadata"),
        ({"metadata": {"a": "x" * 16_384}}, "metadata"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(given: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        turn(10, **given)

    assert caught.value.param == field


def test_another_kind_of_attachment_is_told_what_is_taken() -> None:
    with pytest.raises(Invalid, match="Input should be 'text'"):
        turn(attachments=[{"type": "image", "url": "http://x"}])
