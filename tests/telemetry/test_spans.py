"""Events folded into a tree of spans."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings

from talkwire.canon.events import (
    AgentCompleted,
    AgentStarted,
    AttemptFailed,
    Stamped,
    TextDelta,
    ToolCalled,
    ToolFinished,
    TurnAborted,
    TurnAdopted,
    TurnFailed,
    UsageCounted,
)
from talkwire.canon.fold import fold
from talkwire.telemetry import genai
from talkwire.telemetry.spans import Span, tree
from tests.canon.strategies import turns
from tests.telemetry.turns import DONE, USED, Ended, message, plain, route, turn

CANARY = "canary77"


def spans(ended: Ended) -> Span:
    return tree(*ended, lambda model: f"who has {model}")


def shape(span: Span) -> Any:
    inner = [shape(each) for each in span.children]
    return (span.name, inner) if inner else span.name


def test_a_plain_turn_has_one_call_with_what_it_used() -> None:
    root = spans(plain(first=200, texts=[CANARY], agent="ann"))

    assert shape(root) == ("invoke_agent ann", ["chat large"])
    (call,) = root.children
    assert (root.began, root.ended) == (1_000_000, 1_000_410)
    assert (call.began, call.ended) == (1_000_005, 1_000_400)
    assert call.attributes[genai.PROVIDER] == "who has large"
    assert call.attributes[genai.FIRST_CHUNK] == 0.195
    assert call.attributes[genai.OUTPUT_TOKENS] == 3
    assert CANARY not in repr(root)


def test_tools_that_run_at_the_same_time_are_below_the_call_that_asked() -> None:
    root = spans(
        turn(
            (0, route()),
            (10, USED),
            (10, ToolCalled("c_1", "look", CANARY)),
            (10, ToolCalled("c_2", "fetch", "{}")),
            (60, ToolFinished("c_1", CANARY)),
            (70, ToolFinished("c_2", "x", is_error=True)),
            (80, TextDelta("a")),
            (90, USED),
            (90, message()),
            (90, DONE),
        )
    )

    assert shape(root)[1] == [
        ("chat large", ["execute_tool look", "execute_tool fetch"]),
        "chat large",
    ]
    look, fetch = root.children[0].children
    assert (look.began, look.ended, look.error) == (1_000_010, 1_000_060, "")
    assert (fetch.ended, fetch.error) == (1_000_070, "tool_error")
    assert root.children[1].began == 1_000_070
    assert CANARY not in repr(root)


def test_what_was_said_without_a_model_is_no_call() -> None:
    root = spans(turn((5, route()), (6, TextDelta("Hi")), (7, message()), (8, DONE)))

    assert root.children == []


def test_what_was_asked_aside_is_a_call_of_its_own() -> None:
    root = spans(
        turn(
            (40, UsageCounted(3, 1, model="small")),
            (40, route()),
            (50, USED),
            (50, message()),
            (50, DONE),
        )
    )

    assert shape(root)[1] == ["chat small", "chat large"]
    assert (root.children[0].began, root.children[0].ended) == (1_000_000, 1_000_040)


def test_attempts_that_failed_are_points_of_the_call() -> None:
    root = spans(
        turn(
            (0, route()),
            (9, AttemptFailed(1, 3, 50, "upstream_timeout")),
            (60, USED),
            (60, message()),
            (60, DONE),
        )
    )  # fmt: skip - one turn to a line

    ((name, at, told),) = root.children[0].points
    assert (name, at) == (genai.ATTEMPT_FAILED, 1_000_009)
    assert told == {genai.ATTEMPT: 1, genai.REASON: "upstream_timeout"}


def test_a_call_that_was_lost_ends_with_the_last_word_of_its_process() -> None:
    root = spans(
        turn(
            (0, route()),
            (20, TextDelta("Hel")),
            (9_000, TurnAdopted("n", 2)),
            (9_010, UsageCounted(5, 1, estimated=True)),
            (9_100, USED),
            (9_100, message()),
            (9_100, DONE),
        )
    )

    lost, call = root.children
    assert (lost.error, lost.ended) == ("worker_lost", 1_000_000)
    assert (lost.attributes[genai.INPUT_TOKENS], lost.attributes[genai.ESTIMATED]) == (5, True)
    assert (call.began, call.attributes[genai.INPUT_TOKENS]) == (1_009_000, 7)


def test_what_a_team_does_is_below_who_does_it() -> None:
    root = spans(
        turn(
            (0, route()),
            (5, AgentStarted("a_1", "Desk")),
            (9, USED),
            (10, AgentStarted("a_2", "Clerk")),
            (20, UsageCounted(9, 0, model="small")),
            (20, ToolCalled("c_1", "clock", "{}")),
            (30, ToolFinished("c_1", "x")),
            (40, UsageCounted(9, 2, model="small")),
            (41, AgentCompleted("a_2", "Clerk")),
            (50, USED),
            (51, AgentCompleted("a_1", "Desk")),
            (52, message()),
            (52, DONE),
        )
    )

    clerk = ("invoke_agent Clerk", [("chat small", ["execute_tool clock"]), "chat small"])
    assert shape(root)[1] == [("invoke_agent Desk", ["chat large", clerk, "chat large"])]


def test_whatever_is_under_way_at_the_end_ends_with_it() -> None:
    failed = spans(
        turn(
            (0, route()),
            (3, USED),
            (3, ToolCalled("c", "look", "{}")),
            (9, TurnFailed("worker_lost", CANARY)),
        )
    )  # fmt: skip - one turn to a line
    aborted = spans(turn((0, route()), (9, TurnAborted("client"))))

    assert failed.error == failed.children[0].children[0].error == "worker_lost"
    assert failed.children[0].children[0].ended == 1_000_009
    assert CANARY not in repr(failed)
    assert (aborted.error, aborted.children[0].error) == ("", "")
    assert aborted.attributes[genai.ABORTED_BY] == "client"


@settings(max_examples=40)
@given(turns())
def test_every_turn_is_a_tree_within_its_own_time(events: list[Stamped]) -> None:
    root = tree(fold(events), events, lambda model: "x")

    def within(span: Span) -> None:
        assert span.ended >= span.began
        assert span.attributes
        for each in span.children:
            within(each)

    within(root)
