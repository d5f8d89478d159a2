"""Texts are cut where a person would, and put together again they are the same."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.engine.cutting import boundary, head, inside, pieces
from talkwire.engine.window import estimate_tokens

FAMILY = "👩\u200d👩\u200d👧"
WAVE = "👋🏽"
UNITS = [
    "a",
    "漢",
    "e\u0301",
    FAMILY,
    WAVE,
    "🇨🇳🇫🇷",
    "\r\n",
    "\n\n",
    " ",
    "ㄱ",
    "각",
    "\ud83d\ude00",
]
texts = st.lists(st.sampled_from(UNITS) | st.characters(), max_size=300).map("".join)


@given(texts, st.integers(4, 200))
def test_pieces_put_together_are_the_text_and_none_is_too_large(text: str, most: int) -> None:
    cut = pieces(text, most)

    assert "".join(cut) == text
    assert all(cut)
    assert all(estimate_tokens(piece) <= most for piece in cut)


@given(texts, st.integers(1, 400))
def test_a_head_is_a_beginning_that_is_not_too_long(text: str, most: int) -> None:
    cut = head(text, most)

    assert text.startswith(cut)
    assert len(cut) <= most
    assert bool(cut) == bool(text)


@given(st.lists(st.sampled_from(UNITS), max_size=100), st.data())
def test_what_belongs_together_stays_together(units: list[str], data: st.DataObject) -> None:
    text = "".join(units)
    most = data.draw(st.integers(40, 140))

    cut = head(text, most)
    left = text[len(cut) :]

    if cut and left:
        assert not unicodedata.combining(left[0])
        assert left[0] not in "\u200d🏽\ude00"
        assert cut[-1] not in "\u200d\ud83d"
        assert not (cut[-1] == "\r" and left[0] == "\n")
        assert not (cut.endswith("🇨") and left.startswith("🇳"))


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200))
def test_a_cut_text_can_be_written(text: str) -> None:
    for most in range(1, len(text) + 1):
        head(text, most).encode()


@pytest.mark.parametrize(
    ("text", "most", "cut"),
    [
        ("one two\n\nthree four\nfive", 20, "one two\n\nthree four\n"),
        ("aaaa bb\n\nthree four five six", 12, "aaaa bb\n\n"),
        ("a\n\nthree four five six", 14, "a\n\nthree four "),
        ("a" * 50, 20, "a" * 20),
        ("whole", 5, "whole"),
        ("", 5, ""),
        ("ab" + FAMILY + "c", 4, "ab"),
        ("ab🇨🇳🇫🇷", 5, "ab🇨🇳"),
        ("ab" + WAVE, 3, "ab"),
    ],
)
def test_paragraphs_come_before_lines_and_lines_before_words(
    text: str, most: int, cut: str
) -> None:
    assert head(text, most) == cut


def test_marks_without_end_are_cut_after_all() -> None:
    text = "a" + "\u0301" * 500

    assert boundary(text, 100) == 100
    assert "".join(pieces(text, 40)) == text


def test_the_halves_of_a_pair_stay_together_whatever_stands_before_them() -> None:
    text = "\u200d" * 60 + "\ud83d\ude00"

    assert boundary(text, 61) == 60


def test_the_ends_of_a_text_are_boundaries() -> None:
    assert not inside("\u0301a", 0)
    assert not inside("a\u0301", 2)
    assert inside("a\u0301", 1)


def test_a_million_characters_are_cut_by_reading_each_of_them_once() -> None:
    text = ("漢字 and some words\n" * 60_000)[:1_000_000]

    cut = pieces(text, 24_000)

    assert "".join(cut) == text
    assert all(estimate_tokens(piece) > 22_000 for piece in cut[:-1])
