"""The life of a turn in lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from talkwire.canon.events import (
    AnyEvent,
    AttemptFailed,
    AudioFailed,
    MessageCompleted,
    RouteChosen,
    Stamped,
    TextDelta,
    ToolCalled,
    ToolFinished,
    TurnAborted,
    TurnAdopted,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
    UsageCounted,
)
from talkwire.canon.fold import TurnState
from talkwire.canon.turn import TextPart, TurnRequest, text_message
from talkwire.telemetry.observe import CONTENT_CHARS, TurnLog

SECRET = "what the user said"
STARTED = TurnStarted("t_1", "s_1", "native", TurnRequest("s_1", "native"))
CHOSEN = RouteChosen("gpt", "cloud_large")


@pytest.fixture(autouse=True)
def _unbound() -> Iterator[None]:
    yield
    structlog.contextvars.clear_contextvars()


def _observed(*events: AnyEvent) -> list[dict[str, Any]]:
    """All lines of a turn whose events come 10 ms apart."""
    with capture_logs() as lines:
        state, log = TurnState(), TurnLog()
        for n, event in enumerate(events):
            stamped = Stamped(n, 1000 + 10 * n, event)
            state.apply(stamped)
            log(state, stamped)
    assert SECRET not in str(lines)
    assert {(line["turn_id"], line["session_id"]) for line in lines} == {("t_1", "s_1")}
    return [dict(line) for line in lines]


def test_a_whole_turn_is_accepted_answered_and_ended() -> None:
    lines = _observed(
        STARTED,
        CHOSEN,
        AttemptFailed(1, 3, 200, "upstream_unavailable"),
        TextDelta(SECRET),
        UsageCounted(5, 7),
        MessageCompleted(text_message("m", "assistant", SECRET)),
        TurnCompleted("stop"),
    )

    assert [line["event"] for line in lines] == [
        "turn.accepted",
        "turn.attempt_failed",
        "turn.first_token",
        "turn.ended",
    ]
    assert lines[2]["ttft_ms"] == 30
    assert lines[3] == {
        "event": "turn.ended",
        "log_level": "info",
        "turn_id": "t_1",
        "session_id": "s_1",
        "status": "completed",
        "finish_reason": "stop",
        "duration_ms": 60,
        "ttft_ms": 30,
        "input_tokens": 5,
        "output_tokens": 7,
        "estimated": False,
        "model": "gpt",
        "wire": "native",
    }


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (TurnFailed("upstream_timeout", SECRET), {"status": "failed", "error": "upstream_timeout"}),
        (TurnAborted("client"), {"status": "aborted", "by": "client"}),
    ],
)
def test_other_ends_say_why(event: AnyEvent, said: dict[str, str]) -> None:
    end = _observed(STARTED, event)[-1]

    assert said.items() <= end.items()
    assert end["ttft_ms"] is None


def test_adoption_voice_and_tools_are_told_without_their_text() -> None:
    lines = _observed(
        STARTED,
        TurnAdopted("n_1", 2),
        ToolCalled("c1", "look", SECRET),
        ToolFinished("c1", SECRET, is_error=True),
        AudioFailed("v", "speech_failed", SECRET),
    )

    assert [line["event"] for line in lines] == [
        "turn.accepted",
        "turn.adopted",
        "turn.tool_finished",
        "turn.voice_failed",
    ]


def test_what_was_asked_and_answered_is_told_where_that_is_wanted() -> None:
    asked = TurnRequest("s_1", "native", parts=(TextPart("x" * 9000),), request_id="req_1")
    events: list[AnyEvent] = [
        TurnStarted("t_1", "s_1", "native", asked),
        CHOSEN,
        TextDelta("Hello, "),
        TextDelta("you."),
        TurnCompleted("stop"),
    ]
    with capture_logs() as lines:
        state, log = TurnState(), TurnLog(content=True)
        for n, event in enumerate(events):
            stamped = Stamped(n, 1000, event)
            state.apply(stamped)
            log(state, stamped)

    accepted, *_, ended = lines
    assert accepted["input"] == "x" * CONTENT_CHARS + "…"
    assert ended["answer"] == "Hello, you."
    assert {line["request_id"] for line in lines} == {"req_1"}


def test_the_task_of_a_turn_has_its_ids_on_all_that_it_logs() -> None:
    asked = TurnRequest("s_1", "native", request_id="req_1")
    started, state = Stamped(0, 1000, TurnStarted("t_1", "s_1", "native", asked)), TurnState()
    state.apply(started)
    adopted = Stamped(1, 1001, TurnAdopted("n_1", 2))
    log = TurnLog(brief=True)

    log(state, adopted)  # told by whoever adopts it, and much else besides
    unbound = structlog.contextvars.get_contextvars()
    log(state, started)

    assert unbound == {}
    assert structlog.contextvars.get_contextvars() == {
        "turn_id": "t_1",
        "session_id": "s_1",
        "request_id": "req_1",
    }
