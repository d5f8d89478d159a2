from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.canon.deltas import CallPiece, Delta, Finish, Reasoning, Retry, Text, Tokens, Used
from talkwire.canon.events import (
    AttemptFailed,
    ReasoningDelta,
    TextDelta,
    ToolCalled,
    UsageCounted,
)
from talkwire.engine.assemble import MOST_TOKENS, Assembler
from tests.canon.strategies import words


def calls(*pieces: CallPiece) -> list[ToolCalled]:
    assembler = Assembler("call_t_0")
    assert assembler.feed(pieces) == []
    return assembler.calls()


texts = st.builds(Text, words) | st.builds(Reasoning, words)


@given(st.lists(texts, max_size=12), st.data())
def test_however_the_reads_are_cut_the_text_is_the_same(
    deltas: list[Delta], data: st.DataObject
) -> None:
    assembler = Assembler("c")
    said, thought, at = "", "", 0
    while at < len(deltas):
        size = data.draw(st.integers(1, len(deltas) - at))
        for event in assembler.feed(deltas[at : at + size]):
            assert isinstance(event, TextDelta | ReasoningDelta)
            assert event.text
            said += event.text if isinstance(event, TextDelta) else ""
            thought += event.text if isinstance(event, ReasoningDelta) else ""
        at += size

    assert said == "".join(d.text for d in deltas if isinstance(d, Text))
    assert thought == "".join(d.text for d in deltas if isinstance(d, Reasoning))


def test_adjacent_texts_of_one_read_become_one_event() -> None:
    read: Sequence[Delta] = [Text("a"), Text("b"), Reasoning("r"), Text(""), Text("c"), Text("d")]

    assert Assembler("c").feed(read) == [TextDelta("ab"), ReasoningDelta("r"), TextDelta("cd")]


def test_an_empty_piece_is_no_event() -> None:
    assembler = Assembler("c")

    assert assembler.feed([Text("")]) == []
    assert assembler.feed([Reasoning(""), Text("")]) == []


@given(st.lists(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=5), st.data())
def test_a_call_is_whole_however_its_arguments_come(pieces: list[str], data: st.DataObject) -> None:
    """Two parallel calls, their pieces interleaved at will."""
    one = [CallPiece(0, "a", "one"), *(CallPiece(0, arguments=piece) for piece in pieces)]
    two = [CallPiece(1, "b", "two"), *(CallPiece(1, arguments=piece) for piece in pieces[::-1])]
    assembler = Assembler("c")
    assembler.feed([one.pop(0)])
    while one or two:
        from_one = bool(one) and (not two or data.draw(st.booleans()))
        assembler.feed([(one if from_one else two).pop(0)])

    assert assembler.calls() == [
        ToolCalled("a", "one", "".join(pieces)),
        ToolCalled("b", "two", "".join(pieces[::-1])),
    ]


def test_calls_keep_the_order_in_which_they_began() -> None:
    found = calls(CallPiece(1, "b", "two"), CallPiece(0, "a", "one"), CallPiece(1, arguments="{}"))

    assert [call.call_id for call in found] == ["b", "a"]


def test_an_index_used_again_for_another_call_is_another_call() -> None:
    found = calls(
        CallPiece(0, "a", "one", "{1"),
        CallPiece(0, arguments="}"),
        CallPiece(0, "b", "two", "{2"),
        CallPiece(0, "b", arguments="}"),
    )

    assert found == [ToolCalled("a", "one", "{1}"), ToolCalled("b", "two", "{2}")]


def test_an_id_said_with_every_piece_is_one_call() -> None:
    pieces = [CallPiece(0, "a", "one", "{"), CallPiece(0, "a", "one", "}")]

    assert calls(*pieces) == [ToolCalled("a", "one", "{}")]


def test_a_call_without_an_id_is_given_one_and_without_arguments_an_object() -> None:
    assert calls(CallPiece(0, name="one"), CallPiece(4, name="two")) == [
        ToolCalled("call_t_0_0", "one", "{}"),
        ToolCalled("call_t_0_1", "two", "{}"),
    ]


def test_an_id_that_comes_late_is_still_the_calls() -> None:
    assert calls(CallPiece(0, name="one"), CallPiece(0, "a")) == [ToolCalled("a", "one", "{}")]


def test_no_two_calls_share_an_id() -> None:
    found = calls(CallPiece(0, "a", "one"), CallPiece(1, "a", "two"))

    assert [(call.call_id, call.name) for call in found] == [("a", "one"), ("call_t_0_1", "two")]


def test_usage_is_the_last_that_was_reported() -> None:
    assembler = Assembler("c")
    assert assembler.usage is None

    assembler.feed([Tokens(1, 1), Tokens(10, 20)])

    assert assembler.usage == Tokens(10, 20)


def test_what_was_said_of_calls_is_told_while_they_come() -> None:
    assembler = Assembler("c")
    assembler.feed([CallPiece(0, "a", "one", "{"), CallPiece(1, "b", "two")])
    assembler.feed([CallPiece(0, arguments="}")])

    assert [piece for piece in assembler.called if piece] == ["one", "{", "}", "two"]


def test_retries_are_told_and_the_finish_is_kept() -> None:
    assembler = Assembler("c")

    assert assembler.feed([Retry(1, 3, 250, "reset")]) == [AttemptFailed(1, 3, 250, "reset")]
    assert assembler.finish_reason is None
    assert assembler.feed([Text("a"), Finish("length")]) == [TextDelta("a")]
    assert assembler.finish_reason == "length"


@pytest.mark.parametrize(("told", "kept"), [(-5, 0), (7, 7), (2**63, MOST_TOKENS)])
def test_what_was_used_is_a_number_that_can_be_stored(told: int, kept: int) -> None:
    assembler = Assembler("call_1")

    events = assembler.feed([Used(told, told), Tokens(told, told)])

    assert events == [UsageCounted(kept, kept)]
    assert assembler.usage == Tokens(kept, kept)
