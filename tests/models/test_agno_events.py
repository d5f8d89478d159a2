"""The events of Agno's runs as deltas."""

from __future__ import annotations

from typing import Any

import pytest

from talkwire.canon.agents import AgentCard
from talkwire.canon.deltas import (
    AgentBegins,
    AgentEnds,
    Called,
    Delta,
    Finish,
    Reasoning,
    Returned,
    Text,
    Used,
)
from talkwire.models._agno_events import NAME_CHARS, Run, short, text_of

CARD = AgentCard("desk", "Help desk")


def told(run: Run, name: str, **fields: Any) -> list[Delta]:
    return run.take(name, {"run_id": "r1", **fields}.get)


def begun(**given: Any) -> Run:
    run = Run(CARD, **given)
    told(run, "RunStarted")
    return run


def test_the_run_that_was_asked_for_says_the_answer() -> None:
    run = Run(CARD)

    assert told(run, "RunStarted", agent_id="inner", agent_name="x") == [
        AgentBegins("desk", "Help desk")
    ]
    assert told(run, "RunContent", content="") == []
    assert told(run, "RunContent", content="Hi", reasoning_content="hm") == [
        Reasoning("hm"),
        Text("Hi"),
    ]
    assert told(run, "RunContent", content={"a": 1}) == [Text('{"a": 1}')]
    assert told(run, "RunCompleted", content="Hi") == [
        AgentEnds("desk", "Help desk"),
        Finish("stop"),
    ]
    assert run.done
    assert told(run, "RunContent", content="late") == []


def test_what_was_not_streamed_comes_with_the_end() -> None:
    assert told(begun(), "RunCompleted", content="whole")[0] == Text("whole")


def test_a_member_thinks_aloud_for_its_team() -> None:
    run = Run(CARD)
    told(run, "TeamRunStarted")
    member = {"run_id": "r2", "parent_run_id": "r1", "agent_id": "clerk", "agent_name": "Clerk"}
    call = {"tool_call_id": "d", "tool_name": "delegate_task_to_member", "tool_args": {}}

    assert told(run, "TeamToolCallStarted", tool=call) == []
    assert told(run, "RunStarted", **member) == [AgentBegins("clerk", "Clerk")]
    assert told(run, "RunContent", **member, content="noon") == [Reasoning("noon")]
    assert told(run, "RunError", **member, content="x") == [AgentEnds("clerk", "Clerk")]
    assert told(run, "TeamToolCallCompleted", tool=call) == []
    assert run.error is None
    assert told(run, "TeamRunContent", content="It is noon.") == [Text("It is noon.")]
    assert told(run, "TeamRunCompleted") == [AgentEnds("desk", "Help desk"), Finish("stop")]


def test_tools_of_its_own_are_told_and_those_of_the_server_are_not() -> None:
    run = begun(own_tools={"clock"})
    ours = {"tool_call_id": "1", "tool_name": "clock", "tool_args": {}}
    own = {"tool_call_id": "2", "tool_name": "weather", "tool_args": {"city": "Bern"}}

    assert told(run, "ToolCallStarted", tool=ours) == []
    assert told(run, "ToolCallCompleted", tool=ours) == []
    assert told(run, "ToolCallStarted", tool=own) == [Called("r1/2", "weather", '{"city": "Bern"}')]
    assert told(run, "ToolCallCompleted", tool={**own, "result": "sun"}) == [
        Returned("r1/2", "sun")
    ]
    assert told(run, "ToolCallCompleted", tool=own) == []  # of no call
    told(run, "ToolCallStarted", tool=own)
    assert told(run, "ToolCallError", tool=own, error="rain") == [
        Returned("r1/2", "rain", is_error=True)
    ]


def test_a_call_that_the_run_leaves_open_has_an_end_before_it() -> None:
    run = begun()
    told(run, "ToolCallStarted", tool={"tool_call_id": "1", "tool_name": "slow"})

    assert told(run, "RunCompleted")[:2] == [
        Returned("r1/1", "interrupted", is_error=True),
        AgentEnds("desk", "Help desk"),
    ]


def test_usage_is_told_of_models_that_are_not_this_server_s() -> None:
    run = begun()

    used = {"input_tokens": 3, "output_tokens": 4}
    assert told(run, "ModelRequestCompleted", **used, model_provider="OpenAI") == [Used(3, 4)]
    assert told(run, "ModelRequestCompleted", **used, model_provider="talkwire") == []
    assert told(run, "ModelRequestCompleted", input_tokens=None, output_tokens=True) == []
    assert told(run, "ModelRequestCompleted", input_tokens=-1, output_tokens=2) == []


def test_steps_of_thinking_are_told_once_though_each_repeats_the_last() -> None:
    run = begun()

    assert told(run, "ReasoningStep", reasoning_content="a") == [Reasoning("a")]
    assert told(run, "ReasoningStep", reasoning_content="ab") == [Reasoning("b")]
    assert told(run, "ReasoningContentDelta", reasoning_content="c") == [Reasoning("c")]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("RunError", "upstream_unavailable"),
        ("RunCancelled", "upstream_incomplete"),
        ("RunPaused", "upstream_rejected"),
    ],
)
def test_every_other_end_is_a_failure_that_tells_no_more_than_its_kind(
    name: str, code: str
) -> None:
    run = begun()

    deltas = told(run, name, content="secret text", error_type="ValueError")

    assert deltas == [AgentEnds("desk", "Help desk")]
    assert run.error is not None
    assert run.error.code == code
    assert "secret" not in run.error.message
    assert told(run, "RunContent", content="late") == []


@pytest.mark.parametrize("name", ["MemoryUpdateStarted", "", "TeamTaskCreated", "\ud800"])
def test_what_is_not_known_says_nothing(name: str) -> None:
    assert told(begun(), name, content="x") == []


def test_names_and_texts_from_elsewhere_are_made_fit() -> None:
    assert short("a\n b" + "x" * 999) == ("a b" + "x" * 999)[:NAME_CHARS]
    assert text_of("a\ud800") == "a\ufffd"
    assert text_of(object()).startswith('"<object')
    told(run := Run(CARD), "RunStarted", run_id=None)
    assert told(run, "RunCompleted", run_id=None)[-1] == Finish("stop")
