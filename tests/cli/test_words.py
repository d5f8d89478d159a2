"""Every sentence in both languages, with the same blanks."""

from __future__ import annotations

import string

import pytest

from talkwire.cli.words import WORDS, say


@pytest.mark.parametrize("key", WORDS)
def test_both_languages_have_the_same_blanks(key: str) -> None:
    english, chinese = WORDS[key]

    def blanks(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    assert blanks(english) == blanks(chinese)
    assert any(character >= "\u4e00" for character in chinese)


@pytest.mark.parametrize(("lang", "said"), [("en_US", "stopped"), ("zh_CN.UTF-8", "已停止")])
def test_the_terminals_language_is_spoken(
    lang: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", lang)

    assert say("aborted") == said
