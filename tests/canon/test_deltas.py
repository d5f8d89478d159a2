from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from talkwire.canon.deltas import CallPiece, Deed, Delta, Reasoning, Text


def test_deltas_cannot_be_changed_on_their_way() -> None:
    delta = Text("a")

    with pytest.raises(AttributeError):
        delta.text = "b"  # type: ignore[misc]  # that it is refused is the point


def test_a_piece_of_a_call_needs_only_its_index() -> None:
    assert CallPiece(2) == CallPiece(2, "", "", "")


def test_equal_words_are_equal_however_many_pieces_they_came_in() -> None:
    assert Text("ab", 2) == Text("ab")
    assert Text("ab") != Text("a")
    assert Text("ab") != Reasoning("ab")
    assert len({Text("ab", 2), Text("ab"), Reasoning("ab")}) == 2


def test_a_model_has_six_words_and_an_agent_five_more() -> None:
    assert {kind.__name__ for kind in get_args(Delta)} - {
        kind.__name__ for kind in get_args(Deed)
    } == {
        "Text",
        "Reasoning",
        "CallPiece",
        "Tokens",
        "Retry",
        "Finish",
    }
    assert len(get_args(Deed)) == 5
    assert all(issubclass(kind, msgspec.Struct) for kind in get_args(Delta))
