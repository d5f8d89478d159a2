"""Tokens are counted by pieces where those are tokens, else by the length of the text."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.canon.tools import Tool
from talkwire.canon.turn import ModelRequest, text_message
from talkwire.engine.tally import (
    Tally,
    asked_tokens,
    head_of_pieces,
    head_of_weight,
    said_tokens,
    weight_of,
)

PROSE = (
    "The harbour was quiet when the first boats came in, and nobody had expected them before "
    "noon. On the quay a boy counted masts, unhurried; he wrote each number down, twice, with "
    "a pencil that was far too short for it. "
) * 20
CHINESE = "港口很安静，第一批船在中午之前就进来了，没有人料到。码头上有个男孩在数桅杆。" * 20


def tokens(text: str) -> list[str]:
    """A text cut as byte-pair tokens are: words with the space before them, long ones in parts."""
    words = re.findall(r" ?[A-Za-z]+|[^A-Za-z]", text)
    return [piece for word in words for piece in re.findall(r".{1,9}", word)]


def test_a_piece_a_token_is_counted_exactly() -> None:
    pieces = tokens(PROSE)

    assert said_tokens(pieces) == len(pieces)


def test_a_character_a_token_is_counted_exactly_in_chinese() -> None:
    assert said_tokens(CHINESE) == len(CHINESE)


@pytest.mark.parametrize("joined", [4, 8, 50])
def test_longer_pieces_are_judged_by_their_length(joined: int) -> None:
    pieces = tokens(PROSE)
    long = ["".join(pieces[k : k + joined]) for k in range(0, len(pieces), joined)]

    assert said_tokens(long) == pytest.approx(len(pieces), rel=0.2)


def test_pieces_that_came_joined_are_counted_as_they_were_sent() -> None:
    pieces, dice, tally = tokens(PROSE), random.Random(3), Tally()
    sent = len(pieces)
    while pieces:
        read = [pieces.pop(0) for _ in range(min(len(pieces), dice.randrange(1, 40)))]
        tally.add("".join(read), len(read))

    assert tally.tokens == sent


def test_nothing_is_nothing() -> None:
    tally = Tally()
    tally.add("")

    assert (tally.tokens, said_tokens([])) == (0, 0)


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_weight_is_the_sum_of_its_parts(one: str, other: str) -> None:
    assert weight_of(one + other) == weight_of(one) + weight_of(other)


@given(st.lists(st.text(min_size=1, max_size=12), max_size=30))
def test_more_that_was_said_is_never_less(pieces: list[str]) -> None:
    tally = Tally()
    for piece in pieces:
        before = tally.weight
        tally.add(piece)
        assert tally.weight > before
    assert (tally.tokens > 0) == bool(pieces)


def test_a_question_is_all_that_the_model_is_given() -> None:
    plain = ModelRequest("m", (text_message("a", "user", "four tokens of text"),))
    tool = Tool("look", "Looks at it.", {"type": "object", "required": ["what"]})
    whole = ModelRequest("m", plain.messages, "Be kind.", partial="So far", tools=(tool,))

    assert asked_tokens(plain) == 9
    assert asked_tokens(whole) > asked_tokens(plain) + 15


@pytest.mark.parametrize(
    "pieces", [tokens(PROSE), list(CHINESE), [f"w{k} " for k in range(900)]], ids=["en", "zh", "w"]
)
@pytest.mark.parametrize("share", [0.05, 0.3, 0.9])
def test_some_of_the_pieces_of_a_read_are_found_again(pieces: list[str], share: float) -> None:
    count, text = int(len(pieces) * share), "".join(pieces)

    head = head_of_pieces(text, count, len(pieces))

    assert text.startswith(head)
    assert len(head) == pytest.approx(len("".join(pieces[:count])), rel=0.1, abs=8)


def test_the_beginning_of_a_text_without_words_is_cut_evenly() -> None:
    assert head_of_pieces("x" * 400, 25, 100) == "x" * 100
    assert head_of_pieces("a b c", 3, 3) == "a b c"
    assert head_of_pieces("a b c", 0, 3) == ""


@given(st.text(max_size=60), st.integers(-5, 400))
def test_the_beginning_weighs_no_more_than_it_may(text: str, most: int) -> None:
    head = head_of_weight(text, most)

    assert text.startswith(head)
    assert weight_of(head) <= max(0, most)
    if weight_of(text) <= most:
        assert head == text
