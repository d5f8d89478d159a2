"""Turns folded into figures."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from talkwire.canon.events import (
    AttemptFailed,
    AudioFailed,
    Stamped,
    TextDelta,
    ToolApprovalRequested,
    ToolCalled,
    ToolFinished,
    TurnAborted,
    TurnAdopted,
    TurnFailed,
    UsageCounted,
)
from talkwire.canon.fold import fold
from talkwire.telemetry.gauges import Now
from talkwire.telemetry.metrics import Metrics
from tests.canon.strategies import turns
from tests.telemetry.turns import DONE, USED, message, plain, route, turn


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(
        version="1",
        wires=["native", "support"],
        models=lambda: ["large", "small"],
        tools=lambda: ["look"],
        agents=lambda: ["assistant"],
    )


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"talkwire_{name}", labels)


def test_a_plain_turn_is_counted_once_everywhere(metrics: Metrics) -> None:
    metrics.turn_ended(*plain(first=200))

    here: dict[str, Any] = {"wire": "native", "model": "large"}
    assert value(metrics, "turns_total", wire="native", status="completed") == 1
    assert value(metrics, "messages_total", role="user", **here) == 1
    assert value(metrics, "messages_total", role="assistant", **here) == 1
    assert value(metrics, "tokens_total", direction="in", source="reported", **here) == 7
    assert value(metrics, "tokens_total", direction="out", source="reported", **here) == 3
    assert value(metrics, "time_to_first_token_seconds_sum", model="large") == 0.2
    assert value(metrics, "turn_seconds_sum", wire="native") == 0.41
    assert value(metrics, "inter_token_gap_seconds_sum", model="large") == 0.01


def test_a_turn_that_keeps_nothing_leaves_no_messages(metrics: Metrics) -> None:
    metrics.turn_ended(*plain(keep=False))

    assert value(metrics, "messages_total", role="user", wire="native", model="large") is None


def test_a_failure_is_told_by_its_code_and_one_of_a_recording_is_other(metrics: Metrics) -> None:
    for code in ("upstream_timeout", "made_up_by_a_script"):
        metrics.turn_ended(*turn((5, route()), (9, TurnFailed(code, "x"))))

    assert value(metrics, "turns_total", wire="native", status="failed") == 2
    assert value(metrics, "turn_errors_total", code="upstream_timeout") == 1
    assert value(metrics, "turn_errors_total", code="other") == 1
    assert value(metrics, "time_to_first_token_seconds_count", model="large") is None


def test_what_each_model_has_used_is_its_own_after_a_fall_over(metrics: Metrics) -> None:
    metrics.turn_ended(
        *turn(
            (1, UsageCounted(2, 1, model="small")),
            (5, route("small")),
            (6, AttemptFailed(1, 3, 100, "upstream_unavailable")),
            (9, TextDelta("Hel")),
            (10, UsageCounted(10, 1, estimated=True, cost=0.5)),
            (10, route("large", "small failed: upstream_incomplete")),
            (20, TextDelta("lo")),
            (30, UsageCounted(11, 2, cost=0.25)),
            (30, message()),
            (30, DONE),
        )
    )

    def used(model: str, direction: str, source: str) -> float | None:
        asked = {"model": model, "direction": direction, "source": source}
        return value(metrics, "tokens_total", wire="native", **asked)

    assert (used("small", "in", "reported"), used("small", "in", "estimated")) == (2, 10)
    assert (used("large", "in", "reported"), used("large", "out", "reported")) == (11, 2)
    assert value(metrics, "cost_total", model="small") == 0.5
    assert value(metrics, "model_fallovers_total", model="small") == 1
    assert value(metrics, "model_fallovers_total", model="large") is None
    assert value(metrics, "model_attempts_failed_total", model="small") == 1


def test_tools_are_timed_and_only_known_ones_are_named(metrics: Metrics) -> None:
    metrics.turn_ended(
        *turn(
            (0, route()),
            (10, USED),
            (10, ToolCalled("c_1", "look", "{}")),
            (10, ToolCalled("c_2", "rm -rf", "{}")),
            (60, ToolFinished("c_1", "x")),
            (70, ToolFinished("c_2", "no such tool", is_error=True)),
            (80, ToolCalled("c_3", "look", "{}")),
            (90, ToolApprovalRequested("c_3", "look", "{}", 5)),
            (90, DONE),
        )
    )

    assert value(metrics, "tool_seconds_sum", tool="look") == 0.05
    assert value(metrics, "tool_calls_total", tool="look", outcome="ok") == 1
    assert value(metrics, "tool_calls_total", tool="look", outcome="waiting") == 1
    assert value(metrics, "tool_calls_total", tool="other", outcome="error") == 1


def test_agents_speech_aborts_and_adoptions_are_counted(metrics: Metrics) -> None:
    for agent in ("assistant", "nobody"):
        metrics.turn_ended(
            *turn((1, route()), (2, TurnAdopted("n", 2)), (3, TurnAborted("client")), agent=agent)
        )
    metrics.turn_ended(*turn((1, route()), (2, AudioFailed("v", "speech_failed", "x")), (3, DONE)))

    assert value(metrics, "turns_total", wire="native", status="aborted") == 2
    assert value(metrics, "turns_adopted_total", wire="native") == 2
    assert value(metrics, "agent_turns_total", agent="assistant") == 1
    assert value(metrics, "agent_turns_total", agent="other") == 1
    assert value(metrics, "speech_total", outcome="failed") == 1


def test_requests_storage_and_traces_are_counted(metrics: Metrics) -> None:
    metrics.request_ended("GET", "/turns/{turn_id}", 404, 0.02, "not_found")
    metrics.request_ended("BREW", "other", 0, 0.01, None)
    metrics.stored("commit", 0.002, 40, True)
    metrics.stored("read", 5.0, 1, False)
    metrics.redis(0.2, False)
    metrics.traced("exported", 5)
    metrics.traced("refused", 1)

    asked = {"method": "GET", "route": "/turns/{turn_id}", "status": "4xx"}
    assert value(metrics, "http_requests_total", **asked) == 1
    none = {"method": "other", "route": "other", "status": "none"}
    assert value(metrics, "http_requests_total", **none) == 1
    assert value(metrics, "http_errors_total", code="not_found") == 1
    assert value(metrics, "store_commit_units_sum") == 40
    assert value(metrics, "store_seconds_sum", operation="commit") == 0.002
    assert value(metrics, "store_failures_total", operation="read") == 1
    assert value(metrics, "redis_failures_total") == 1
    assert value(metrics, "trace_spans_total", outcome="exported") == 5
    assert value(metrics, "traces_dropped_total") == 1


def test_what_is_watched_is_read_when_it_is_asked_for(metrics: Metrics) -> None:
    running = [1]
    metrics.watch(lambda: Now(running=running[0]))
    running[0] = 5

    assert value(metrics, "turns_running") == 5


@settings(max_examples=40)
@given(turns())
def test_any_turn_can_be_counted(events: list[Stamped]) -> None:
    counting = Metrics(
        version="1",
        wires=["native"],
        models=lambda: ["a"],
        tools=lambda: [],
        agents=lambda: [],
    )

    counting.turn_ended(fold(events), events)

    total = sum(
        sample.value
        for family in counting.registry.collect()
        for sample in family.samples
        if sample.name == "talkwire_turns_total"
    )
    assert total == 1
