from __future__ import annotations

import pytest

from talkwire.scenarios.words import (
    MOST_CHARS,
    Piece,
    language_of,
    mended,
    normalised,
    pieces,
    stem,
    tokens,
)


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("ＲＥＦＵＮＤ", "refund"),
        ("退款到賬", "退款到账"),
        ("I can't", "i cant"),
        ("I can’t", "i cant"),
    ],
)
def test_one_form_stands_for_all_ways_to_write_the_same(written: str, folded: str) -> None:
    assert normalised(written) == folded


def test_scripts_are_told_apart_and_punctuation_goes() -> None:
    assert pieces("我的 refund，呢？") == [
        Piece("chinese", "我的"),
        Piece("latin", "refund"),
        Piece("chinese", "呢"),
    ]


@pytest.mark.parametrize("number", ["500", "SO20481", "AB-12345", "2024-05-01", "t1", "５００"])
def test_every_number_is_the_same_token(number: str) -> None:
    found = tokens(pieces(f"订单{number}在哪"))

    assert found.words == ["订单", "#", "在", "哪"]
    assert "#" in found.grams


def test_letters_before_a_number_are_part_of_it_only_where_they_are_few() -> None:
    assert pieces("withdrawal123") == [Piece("latin", "withdrawal"), Piece("number", "#")]


def test_chinese_is_cut_into_words_and_english_is_stemmed() -> None:
    assert tokens(pieces("提现手续费")).words == ["提现", "手续费"]
    assert tokens(pieces("Refunds were requested")).words == ["refund", "were", "request"]


def test_grams_mark_where_a_latin_word_begins_and_ends() -> None:
    grams = tokens(pieces("fee")).grams

    assert grams == ["<fe", "fee", "ee>", "<fee", "fee>", "<fee>"]


def test_grams_of_chinese_have_two_to_four_characters_or_stand_alone() -> None:
    assert tokens(pieces("退款了")).grams == ["退款", "款了", "退款了"]
    assert tokens(pieces("退")).grams == ["退"]


def test_only_latin_words_are_mended() -> None:
    found = mended(pieces("my refnud 退款"), lambda word: {"refnud": "refund"}.get(word, word))

    assert [piece.text for piece in found] == ["my", "refund", "退款"]


def test_of_a_very_long_text_the_beginning_and_the_end_are_looked_at() -> None:
    found = pieces(f"提现 {'x ' * MOST_CHARS} 退款")

    assert found[0].text == "提现"
    assert found[-1].text == "退款"
    assert len(found) <= MOST_CHARS


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("提现到哪了", "zh"),
        ("where is my money", "en"),
        ("我的 withdrawal 怎么还没 arrive", "zh"),
        ("refund 到账", "zh"),
        ("what does 提现 mean in this long sentence of mine", "en"),
        ("12345", "en"),
        ("", "en"),
    ],
)
def test_a_text_is_chinese_from_a_fair_share_of_characters_on(text: str, language: str) -> None:
    assert language_of(text) == language


def test_nothing_has_no_tokens() -> None:
    assert tokens(pieces("?! …")) == ([], [])


def test_a_stem_is_the_same_for_forms_of_a_word() -> None:
    assert len({stem(word) for word in ("charge", "charged", "charges", "charging")}) == 1
