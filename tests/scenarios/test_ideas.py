from __future__ import annotations

import re

import pytest

from talkwire.scenarios.ideas import digest, ideas, known_words, sounds_of
from talkwire.scenarios.words import pieces


def _of(text: str) -> list[str]:
    return ideas(pieces(text))


@pytest.mark.parametrize(
    "text", ["我要提现", "取钱", "I want to cash out", "withdrew it", "withdrawals"]
)
def test_many_words_have_one_idea(text: str) -> None:
    assert "withdraw" in _of(text)


@pytest.mark.parametrize("mistyped", ["体现", "提线", "tixian"])
def test_a_chinese_word_is_known_by_its_sound(mistyped: str) -> None:
    assert "withdraw" in _of(f"我要{mistyped}")


def test_a_word_that_is_written_rightly_is_not_heard_as_another() -> None:
    assert _of("提现") == ["withdraw"]


def test_a_longer_word_hides_those_within_it() -> None:
    assert "not_arrived" in _of("没到账")
    assert "refund" not in _of("退货运费")


def test_a_phrase_does_not_reach_over_a_number() -> None:
    assert "withdraw" in _of("take money out")
    assert "withdraw" not in _of("take 50 money 30 out")


def test_a_text_about_nothing_in_the_list_has_no_ideas() -> None:
    assert _of("嗡嗡 xyzzy 123") == []
    assert _of("") == []


def test_sounds_have_a_syllable_for_each_character() -> None:
    assert sounds_of("提现") == ("ti", "xian")
    assert len(sounds_of("提𠮷x")) == 3


def test_the_words_of_the_list_can_be_spelled_by() -> None:
    words = set(known_words())

    assert {"withdrawal", "refund"} <= words
    assert not any(" " in word for word in words)


def test_the_digest_stands_for_the_list() -> None:
    assert re.fullmatch("[0-9a-f]{64}", digest())
