"""Case, width and NUL make no difference to a search."""

from __future__ import annotations

import pytest

from talkwire.canon.turn import Message, TextPart, text_message
from talkwire.stores.folding import fold, folded


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Straße", "STRASSE"),
        ("ＡＢＣ", "abc"),
        ("ÉCOLE", "école"),
        ("订单", "订单"),
        ("a\0b", "A B"),
    ],
)
def test_what_means_the_same_is_folded_alike(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_what_people_said_and_were_told_is_found_and_nothing_else() -> None:
    parts = (TextPart("On Its "), TextPart("Way"))

    assert folded(Message("m", "assistant", parts)) == "on its way"
    assert folded(text_message("m", "tool", "Secret")) == ""
    assert folded(Message("m", "assistant")) == ""
