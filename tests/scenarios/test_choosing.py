from __future__ import annotations

import json

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.canon.turn import Call, Message, TextPart, text_message
from talkwire.scenarios.choosing import MESSAGES, SCHEMA, Decision, Found, question, read, shown
from tests.scenarios.catalogues import REFUND, WITHDRAWAL


def test_a_model_is_told_the_candidates_their_slots_and_where_the_talk_stands() -> None:
    asked = question([REFUND, WITHDRAWAL], WITHDRAWAL)

    assert "1. 退款 › 1 退款进度 Flow – Refund status." in asked
    assert "state (one of processing, paid)" in asked
    assert "(number 2)" in asked
    assert "(none so far)" in question([REFUND], None)


def test_the_end_of_the_conversation_is_shown_without_what_tools_did() -> None:
    said = [text_message(str(n), "user", f"{n} " + "x" * 3_000) for n in range(20)]
    said.append(Message("t", "assistant", calls=(Call("c", "look", "{}"),)))
    said.append(Message("r", "tool", (TextPart("secret"),), call_id="c"))

    told = shown(said)

    assert [message.id for message in told] == [str(n) for n in range(20 - MESSAGES, 20)]
    assert all(len(message.text) <= 2_001 for message in told)


@pytest.mark.parametrize(
    "text",
    [
        '{"move":"answer","choice":2,"slots":[{"name":"withdrawal_id","value":"WD1"}]}',
        'Sure!\n```json\n{"move":"answer","choice":2,"slots":'
        '[{"name":"withdrawal_id","value":"WD1"}]}\n```',
    ],
)
def test_a_decision_is_read_also_where_more_is_said(text: str) -> None:
    assert read(text, 2) == Decision("answer", 2, (Found("withdrawal_id", "WD1"),))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I do not know",
        "{",
        "}{",
        "[]",
        '{"move":"dance"}',
        '{"move":"answer"}',
        '{"move":"answer","choice":0}',
        '{"move":"answer","choice":3}',
        '{"move":"answer","choice":-1}',
        '{"move":"answer","choice":"1"}',
        '{"move":"answer","choice":1,"slots":[1]}',
        '{"choice":1}',
    ],
)
def test_what_cannot_be_meant_is_no_decision(text: str) -> None:
    assert read(text, 2) is None


@given(st.text())
def test_no_answer_is_too_odd(text: str) -> None:
    read(text, 2)


def test_the_schema_is_what_is_read() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    written = {"move": "clarify", "choice": 0, "slots": []}
    jsonschema.validate(written, SCHEMA)

    assert read(json.dumps(written), 0) == Decision("clarify")
