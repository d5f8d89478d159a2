from __future__ import annotations

import pytest

from talkwire.scenarios.spelling import Speller

WORDS = ("refund", "withdrawal", "password", "card", "account", "cart")


@pytest.fixture
def speller() -> Speller:
    return Speller(WORDS)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("refnud", "refund"),
        ("refundd", "refund"),
        ("refnd", "refund"),
        ("withdrawl", "withdrawal"),
        ("withdrwl", "withdrawal"),
        ("passwrod", "password"),
    ],
)
def test_a_slip_is_mended(speller: Speller, typed: str, meant: str) -> None:
    assert speller.nearest(typed) == meant


@pytest.mark.parametrize("word", ["refund", "zebra", "car", "befund", "refxyz", ""])
def test_other_words_stay_as_they_are(speller: Speller, word: str) -> None:
    assert speller.nearest(word) == word


def test_of_two_equally_near_the_first_is_taken(speller: Speller) -> None:
    assert speller.nearest("carb") == "card"


def test_of_very_many_unknown_words_only_the_first_are_looked_up(speller: Speller) -> None:
    mend = speller.for_one_text()

    assert [mend(word) for word in ["refnud"] * 10] == ["refund"] * 8 + ["refnud"] * 2
    assert mend("card") == "card"


def test_words_are_told_once_in_their_order() -> None:
    assert Speller(["b", "a", "b"]).words == ["b", "a"]
