"""Text from outside is shown without what cannot be seen, and no longer than said."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from talkwire.tools.mcp_text import clean


def test_what_people_read_stays() -> None:
    assert clean("Größe: 5\t名前\n🙂", 100) == "Größe: 5\t名前\n🙂"


def test_what_cannot_be_seen_goes() -> None:
    hidden = "a\0b\x1b[31mc\u202ed\u200be\ufefff\U000e0041g\x7fh\u0085i"

    assert clean(hidden, 100) == "ab[31mcdefghi"


def test_what_is_too_long_is_cut_with_a_mark() -> None:
    assert clean("x" * 11, 10) == "x" * 9 + "…"
    assert clean("x" * 10, 10) == "x" * 10


@given(st.text(), st.integers(1, 50))
def test_it_is_never_longer_than_said(text: str, most: int) -> None:
    assert len(clean(text, most)) <= most
