from __future__ import annotations

from talkwire.scenarios.asides import ASIDES, CLARIFY


def _chinese(text: str) -> bool:
    return any("\u4e00" <= char <= "\u9fff" for char in text)


def test_the_built_in_words_are_in_both_languages() -> None:
    for words in (CLARIFY, *(aside.text for aside in ASIDES.values())):
        assert _chinese(words.zh)
        assert not _chinese(words.en)


def test_each_aside_has_examples_in_both_languages_and_none_of_the_other_s() -> None:
    seen: set[str] = set()
    for aside in ASIDES.values():
        assert {_chinese(example) for example in aside.examples} == {True, False}
        assert seen.isdisjoint(aside.examples)
        seen.update(aside.examples)
