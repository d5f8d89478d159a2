"""What a text speaks of, in ideas that have many words in two languages: `withdraw` is 提现, 取钱,
"cash out". The list is for payments and commerce, and for what people ask a help desk beside that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path

import msgspec

from talkwire.scenarios.words import Piece, normalised, pieces, stem

_FILE = Path(__file__).with_name("ideas.json")
_MOST_CHARS = 8
_LEAST_TYPED_SOUND = 5  # letters of pinyin that stand for a word where somebody typed them

Sounds = tuple[str, ...]


class _Lexicon:
    """The ideas by the words for them; words for Chinese also by their sound, without tones."""

    def __init__(self, listed: dict[str, dict[str, list[str]]]) -> None:
        self.chinese: dict[str, set[str]] = {}
        self.english: dict[tuple[str, ...], set[str]] = {}
        self.sounds: dict[Sounds, set[str]] = {}
        for idea, words in listed.items():
            for word in words["zh"]:
                self._add_chinese(normalised(word), idea)
            for phrase in words["en"]:
                self._add_english(phrase, idea)
        self.typed = {"".join(sounds): ideas for sounds, ideas in self.sounds.items()}
        self.longest = max(map(len, self.english))

    def _add_chinese(self, word: str, idea: str) -> None:
        self.chinese.setdefault(word, set()).add(idea)
        sounds = sounds_of(word)
        if len(sounds) > 1:
            self.sounds.setdefault(sounds, set()).add(idea)

    def _add_english(self, phrase: str, idea: str) -> None:
        stems = tuple(stem(piece.text) for piece in pieces(phrase))
        self.english.setdefault(stems, set()).add(idea)


def ideas(found: Sequence[Piece]) -> list[str]:
    """The ideas in a text's pieces, in order, with repeats. A longer word hides those within it; a
    Chinese word that was mistyped is known by its sound, also where it was typed as pinyin.
    """
    lexicon = _lexicon()
    said: list[str] = []
    phrase: list[str] = []
    for piece in (*found, Piece("number", "")):
        if piece.kind == "latin":
            phrase.append(piece.text)
            continue
        said += _in_phrase(phrase, lexicon)
        phrase.clear()
        if piece.kind == "chinese":
            said += _in_chinese(piece.text, lexicon)
    return said


def sounds_of(word: str) -> Sounds:
    """The usual syllables of the characters of a text, without tones."""
    return tuple(map(_sound_of, word))


def known_words() -> Iterator[str]:
    """The English words that the list is made of, unstemmed, with repeats."""
    for words in _listed().values():
        for phrase in words["en"]:
            yield from (piece.text for piece in pieces(phrase) if piece.kind == "latin")


def digest() -> str:
    """Another one when the list is another."""
    return hashlib.sha256(_FILE.read_bytes()).hexdigest()


def _in_phrase(phrase: Sequence[str], lexicon: _Lexicon) -> Iterator[str]:
    stems = [stem(word) for word in phrase]
    at = 0
    while at < len(stems):
        for length in range(min(lexicon.longest, len(stems) - at), 0, -1):
            meant = lexicon.english.get(tuple(stems[at : at + length]))
            if meant:
                yield from sorted(meant)
                at += length
                break
        else:
            if len(phrase[at]) >= _LEAST_TYPED_SOUND:
                yield from sorted(lexicon.typed.get(phrase[at], ()))
            at += 1


def _in_chinese(text: str, lexicon: _Lexicon) -> Iterator[str]:
    written = [False] * len(text)
    at = 0
    while at < len(text):
        for length in range(min(_MOST_CHARS, len(text) - at), 0, -1):
            meant = lexicon.chinese.get(text[at : at + length])
            if meant:
                yield from sorted(meant)
                written[at : at + length] = [True] * length
                at += length
                break
        else:
            at += 1
    if not all(written):
        yield from _heard(text, written, lexicon)


def _heard(text: str, written: Sequence[bool], lexicon: _Lexicon) -> Iterator[str]:
    """Ideas by sound, where not all of the word was understood as it is written."""
    sounds = sounds_of(text)
    at = 0
    while at < len(text):
        for length in range(min(_MOST_CHARS, len(text) - at), 1, -1):
            meant = lexicon.sounds.get(sounds[at : at + length])
            if meant and not all(written[at : at + length]):
                yield from sorted(meant)
                at += length
                break
        else:
            at += 1


@cache
def _lexicon() -> _Lexicon:
    return _Lexicon(_listed())


@cache
def _listed() -> dict[str, dict[str, list[str]]]:
    return msgspec.json.decode(_FILE.read_bytes(), type=dict[str, dict[str, list[str]]])


@lru_cache(maxsize=30_000)
def _sound_of(character: str) -> str:
    # One by one: what a character sounds like among others is slow to find, and no better here,
    # since the words of the list are heard in the same way.
    from pypinyin import lazy_pinyin

    return lazy_pinyin(character)[0]
