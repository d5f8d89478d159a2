from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from talkwire.canon.turn import Call, Message, TextPart, text_message
from talkwire.engine.window import Bounds, estimate_tokens, fit, message_tokens

MANY = Bounds(messages=1000, tokens=10**9)


def asked(name: str, text: str = "?") -> Message:
    return text_message(name, "user", text)


def said(name: str, text: str = "!", *calls: str) -> Message:
    parts = (TextPart(text),) if text else ()
    return Message(name, "assistant", parts, tuple(Call(c, "tool", "{}") for c in calls))


def result(call_id: str) -> Message:
    return Message(f"r_{call_id}", "tool", (TextPart("ok"),), call_id=call_id)


@st.composite
def histories(draw: st.DrawFn) -> list[list[Message]]:
    """Sound turns, each with its own calls."""
    turns = []
    for number in range(draw(st.integers(1, 6))):
        turn = [asked(f"u{number}", draw(st.text(max_size=30)))]
        for round_ in range(draw(st.integers(0, 2))):
            ids = [f"c{number}_{round_}_{i}" for i in range(draw(st.integers(1, 3)))]
            turn += [said(f"a{number}_{round_}", "", *ids), *map(result, ids)]
        turn.append(said(f"a{number}", draw(st.text(min_size=1, max_size=30))))
        turns.append(turn)
    return turns


@given(histories(), st.integers(0, 30), st.integers(0, 200))
def test_what_fits_is_the_newest_whole_turns(
    turns: list[list[Message]], messages: int, tokens: int
) -> None:
    kept = fit([m for turn in turns for m in turn], Bounds(messages, tokens))
    wholes = [tuple(m for turn in turns[at:] for m in turn) for at in range(len(turns))]

    assert kept in wholes
    if kept != wholes[-1]:
        assert len(kept) <= messages
        assert sum(map(message_tokens, kept)) <= tokens
    if kept != wholes[0]:
        one_more = wholes[wholes.index(kept) - 1]
        cost = sum(map(message_tokens, one_more))
        assert len(one_more) > messages or cost > tokens


@given(histories())
def test_no_call_is_parted_from_its_result(turns: list[list[Message]]) -> None:
    kept = fit([m for turn in turns for m in turn], Bounds(5, 40))
    called = {call.call_id for message in kept for call in message.calls}

    assert called == {message.call_id for message in kept if message.role == "tool"}


def test_the_last_turn_is_kept_whatever_it_costs() -> None:
    last = [asked("u2", "x" * 1000), said("a2", "y" * 1000)]

    assert fit([asked("u1"), said("a1"), *last], Bounds(1, 0)) == tuple(last)


def test_a_call_without_a_result_is_left_out_and_its_text_stays() -> None:
    history = [asked("u1"), said("a1", "wait", "lost"), asked("u2")]

    assert fit(history, MANY) == (asked("u1"), said("a1", "wait"), asked("u2"))


def test_an_unanswered_call_is_not_answered_by_another_turn() -> None:
    history = [asked("u1"), said("a1", "", "c"), asked("u2"), said("a2", "", "c"), result("c")]

    assert fit(history, MANY) == (asked("u1"), *history[2:])


def test_results_stand_right_behind_their_calls_in_their_order_and_no_others_stay() -> None:
    calls, answer = said("a1", "", "x", "y", "z"), said("a2", "done")
    told = [result("other"), result("z"), said("e1", ""), result("x"), said("e2", ""), result("y")]

    kept = fit([asked("u1"), calls, *told, answer, result("x")], MANY)

    assert kept == (asked("u1"), calls, result("x"), result("y"), result("z"), answer)


def test_the_first_result_of_a_call_is_the_one() -> None:
    again = structs.replace(result("x"), id="again")

    assert fit([asked("u1"), said("a1", "", "x"), result("x"), again], MANY)[-1] == result("x")


@pytest.mark.parametrize("then", [[], [asked("u2")], [said("a2", "well")]])
def test_a_call_that_nobody_decided_on_is_told_to_be_that(then: list[Message]) -> None:
    waits = structs.replace(said("a1", "", "x", "y"), finish_reason="approval_required")
    kept = fit([asked("u1"), waits, result("y"), said("e1", ""), *then], MANY)

    assert [(m.role, m.call_id) for m in kept[1:4]] == [
        ("assistant", None),
        ("tool", "x"),
        ("tool", "y"),
    ]
    assert "not run" in kept[2].text
    assert list(kept[4:]) == then


def test_empty_answers_are_left_out_but_what_was_asked_stays() -> None:
    nothing = Message("u2", "user")

    assert fit([asked("u1"), said("a1", ""), nothing], MANY) == (asked("u1"), nothing)


def test_nothing_fits_into_no_history() -> None:
    assert fit([], MANY) == ()
    assert fit([said("a", "")], MANY) == ()


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("你好吗", 2), ("hi 你好", 3)],
)
def test_tokens_are_estimated_by_script(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


@given(st.text(), st.text())
def test_more_text_is_never_fewer_tokens(one: str, two: str) -> None:
    assert estimate_tokens(one) <= estimate_tokens(one + two)


def test_the_calls_of_a_message_count() -> None:
    assert message_tokens(said("a", "abcd", "c")) > message_tokens(said("a", "abcd"))
