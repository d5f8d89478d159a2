"""The one answer that is told of a turn."""

from __future__ import annotations

from typing import Any

import pytest

from talkwire.canon.errors import TalkwireError
from talkwire.wires.agent_chat.answer import Answer
from talkwire.wires.agent_chat.shapes import AnswerShape
from tests.cases.turns import CASES, SESSION, TURN

FAILED = [case for case in CASES if "failed" in case or case.endswith("_lost")]


def answer(case: str) -> Answer:
    told = Answer()
    for stamped in CASES[case]:
        told.apply(stamped)
    return told


def body(case: str) -> dict[str, Any]:
    return answer(case).body()


def test_it_says_who_said_what_and_what_it_took() -> None:
    assert body("plain") == {
        "message_id": f"msg_{TURN}",
        "session_id": SESSION,
        "turn_id": TURN,
        "content": "Hello, world.",
        "agent_id": "assistant",
        "model": "demo",
        "tool_calls": [],
        "usage": {"input_tokens": 12, "output_tokens": 34, "total_tokens": 46},
        "finish_reason": "stop",
        "created_at": body("plain")["created_at"],
    }


@pytest.mark.parametrize("case", CASES)
def test_it_has_the_shape_that_is_told_to_the_openapi_document(case: str) -> None:
    told = body(case)

    shape = AnswerShape.model_validate(told, extra="forbid", strict=True)
    assert shape.model_dump(exclude_unset=True) == told


def test_calls_are_told_with_what_came_of_them() -> None:
    first, second = body("parallel_calls")["tool_calls"]

    assert first["arguments"]["city"] == "Bern"
    assert first["result"] == second["result"] == '{"sky":"blue"}'
    assert "is_error" not in first


def test_a_call_that_waits_is_told_with_its_time() -> None:
    told = body("approval")

    assert told["finish_reason"] == "approval_required"
    assert [each["expires_at"][:2] for each in told["approvals"]] == ["20"]
    assert "incomplete" not in told


def test_an_abort_is_an_answer_as_far_as_it_went() -> None:
    told = answer("aborted_midway").given()

    assert (told["content"], told["finish_reason"]) == ("Half an ans", "aborted")
    assert told["incomplete"] is True


@pytest.mark.parametrize("case", ["speech_failed", "speech_aborted", "speech_lost"])
def test_a_text_is_whole_whatever_became_of_its_speech(case: str) -> None:
    told = answer(case).given()

    assert (told["content"], told["finish_reason"]) == ("Hi!", "stop")
    assert "incomplete" not in told


@pytest.mark.parametrize("case", ["failed_midway", "failed_before_text", "failed_before_route"])
def test_a_failure_is_an_error_where_there_is_no_stream(case: str) -> None:
    with pytest.raises(TalkwireError) as caught:
        answer(case).given()

    assert caught.value.status in (503, 504)
