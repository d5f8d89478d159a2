"""The frames of this wire: what its contract fixes. All bytes are in golden/."""

from __future__ import annotations

from typing import Any

import pytest

from talkwire.wires.responses_sse.encode import Encoder, whole
from tests.cases.turns import BUILDERS, CASES, ODD, SESSION, TURN, stamp
from tests.wires.frames import Frame, parse


def frames(case: str) -> list[Frame]:
    return parse(b"".join(Encoder(TURN, SESSION).feed(CASES[case])))


def only(case: str, event: str) -> Any:
    (found,) = [frame.data for frame in frames(case) if frame.event == event]
    return found


@pytest.mark.parametrize("case", CASES)
def test_data_repeats_type_and_number_save_in_the_frozen_audio_chunk(case: str) -> None:
    for n, frame in enumerate(frames(case)):
        if frame.event == "audio.chunk":
            assert list(frame.data) == ["b64"]
        else:
            assert frame.data["type"] == frame.event
            assert frame.data["sequence_number"] == n


@pytest.mark.parametrize("case", CASES)
def test_response_created_comes_first_and_names_session_and_response(case: str) -> None:
    first = frames(case)[0].data

    assert list(first) == ["type", "sequence_number", "sessionId", "response"]
    assert first["sessionId"] == SESSION
    assert list(first["response"]) == ["id", "object", "status", "model", "created_at"]
    assert first["response"]["created_at"] == 1_790_000_000
    assert frames(case)[1].event == "response.in_progress"


def test_created_leaves_with_the_first_commit_before_the_model_says_anything() -> None:
    first = Encoder(TURN, SESSION).feed(CASES["plain"][:2])

    assert [frame.event for frame in parse(b"".join(first))] == [
        "response.created",
        "response.in_progress",
    ]


def test_text_comes_in_the_order_of_openai() -> None:
    assert [frame.event for frame in frames("one_token")] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]


def test_a_delta_has_the_keys_of_the_contract() -> None:
    assert only("one_token", "response.output_text.delta") == {
        "type": "response.output_text.delta",
        "sequence_number": 4,
        "item_id": f"msg_{TURN}",
        "output_index": 0,
        "content_index": 0,
        "delta": "42",
    }


def test_odd_characters_come_through() -> None:
    said = [f.data["delta"] for f in frames("odd_characters") if f.event.endswith("text.delta")]

    assert said[0] == ODD
    assert "".join(said) == ODD * 2
    assert only("odd_characters", "response.output_text.done")["text"] == ODD * 2


def test_each_failed_attempt_is_told() -> None:
    retries = [f.data for f in frames("retried") if f.event == "response.retrying"]

    assert [(r["attempt"], r["max_attempts"], r["delay_ms"], r["reason"]) for r in retries] == [
        (1, 3, 500, "upstream_unavailable"),
        (2, 3, 1000, "upstream_rate_limited"),
    ]


def test_usage_is_summed_and_marked_when_estimated() -> None:
    assert only("tool_call", "response.completed")["response"]["usage"] == {
        "input_tokens": 22,
        "output_tokens": 39,
        "total_tokens": 61,
    }
    assert only("spoken", "response.completed")["response"]["usage"] == {
        "input_tokens": 3,
        "output_tokens": 2,
        "total_tokens": 5,
        "estimated": True,
    }


def test_a_failed_turn_says_error_and_then_response_failed_with_what_was_said() -> None:
    error, failed = frames("failed_midway")[-2:]

    assert error.data == {
        "type": "error",
        "sequence_number": 6,
        "code": "upstream_timeout",
        "message": "The model took too long.",
        "retryable": True,
    }
    assert failed.event == "response.failed"
    assert failed.data["response"]["status"] == "failed"
    assert failed.data["response"]["error"]["code"] == "upstream_timeout"
    assert failed.data["response"]["output"][0]["content"][0]["text"] == "Half an ans"
    assert failed.data["response"]["output"][0]["status"] == "incomplete"


def test_an_aborted_turn_closes_what_is_open_and_is_incomplete() -> None:
    assert [frame.event for frame in frames("aborted_midway")[-4:]] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.incomplete",
    ]
    response = only("aborted_midway", "response.incomplete")["response"]
    assert response["incomplete_details"] == {"reason": "aborted"}
    assert only("aborted_before_text", "response.incomplete")["response"]["output"] == []


def test_speech_follows_the_completed_text() -> None:
    assert [frame.event for frame in frames("spoken")[-4:]] == [
        "response.completed",
        "audio.chunk",
        "audio.chunk",
        "audio.completed",
    ]
    done = only("spoken", "audio.completed")
    assert (done["voiceId"], done["sessionId"]) == ("anna", SESSION)


@pytest.mark.parametrize(
    ("case", "code"),
    [
        ("speech_failed", "speech_failed"),
        ("speech_aborted", "aborted"),
        ("speech_lost", "worker_lost"),
    ],
)
def test_speech_that_fails_leaves_the_text_completed(case: str, code: str) -> None:
    failed = only(case, "audio.failed")

    assert only(case, "response.completed")["response"]["status"] == "completed"
    assert failed["code"] == code
    assert failed["message"]
    assert (failed["voiceId"], failed["sessionId"]) == ("anna", SESSION)


def test_an_answer_cut_by_its_length_is_completed_and_says_so() -> None:
    response = only("cut_by_length", "response.completed")["response"]

    assert response["status"] == "completed"
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}


def test_a_turn_that_completes_without_its_message_is_closed_all_the_same() -> None:
    events = [event for event in BUILDERS["spoken"]() if event.__class__.__name__[0] != "A"]
    events = [event for event in events if event.__class__.__name__ != "MessageCompleted"]

    names = [f.event for f in parse(b"".join(Encoder(TURN, SESSION).feed(stamp(events))))]

    assert names[-3:] == ["response.output_item.done", "response.completed", "audio.completed"]


@pytest.mark.parametrize("case", CASES)
def test_the_whole_answer_is_the_response_of_the_last_frame_that_has_one(case: str) -> None:
    responses = [f.data["response"] for f in frames(case) if "response" in f.data]

    assert whole(CASES[case]) == responses[-1]
