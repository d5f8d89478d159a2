from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from talkwire.canon.deltas import CallPiece, Delta, Text


def test_deltas_cannot_be_changed_on_their_way() -> None:
    delta = Text("a")

    with pytest.raises(AttributeError):
        delta.text = "b"  # type: ignore[misc]  # that it is refused is the point


def test_a_piece_of_a_call_needs_only_its_index() -> None:
    assert CallPiece(2) == CallPiece(2, "", "", "")


def test_a_model_has_six_words() -> None:
    assert {kind.__name__ for kind in get_args(Delta)} == {
        "Text",
        "Reasoning",
        "CallPiece",
        "Tokens",
        "Retry",
        "Finish",
    }
    assert all(issubclass(kind, msgspec.Struct) for kind in get_args(Delta))
