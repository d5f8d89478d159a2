"""Cuts a text, Chinese, English or mixed, into the tokens that it is compared by."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache
from typing import Any, Literal, NamedTuple

from talkwire.canon.scenarios import Language

MOST_CHARS = 1_000
"""So much is looked at of a longer text: its beginning, and its end, where questions often are."""

NUMBER = "#"
"""Stands for every number, be it an amount or the number of an order."""

_END_CHARS = 300
_MOST_WORD_CHARS = 40
_CHINESE_GRAMS = (2, 3, 4)
_LATIN_GRAMS = (3, 4, 5)

_HAN = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_PIECE = re.compile(
    rf"(?P<chinese>[{_HAN}]+)"
    r"|(?P<number>(?:[a-z]{0,6}[-_]?)\d[a-z0-9_-]*)"
    rf"|(?P<latin>(?:(?![{_HAN}])[^\W\d_])+)"
)
_APOSTROPHE = re.compile(r"(?<=\w)['’`´](?=\w)")

Mend = Callable[[str], str]


class Piece(NamedTuple):
    """A run of one script, folded; a number's text is `NUMBER`."""

    kind: Literal["chinese", "number", "latin"]
    text: str


class Tokens(NamedTuple):
    """A text's words (Latin ones stemmed) and its character n-grams, in order, with repeats."""

    words: list[str]
    grams: list[str]


def normalised(text: str) -> str:
    """One form for all ways to write the same: width, case, traditional characters, apostrophes."""
    folded = unicodedata.normalize("NFKC", text).lower()
    folded = _APOSTROPHE.sub("", folded)
    return folded if folded.isascii() else str(_simplifier().convert(folded))


def pieces(text: str) -> list[Piece]:
    """The runs of a text in order; punctuation is dropped, and the middle of a very long text."""
    if len(text) > MOST_CHARS:
        text = f"{text[: MOST_CHARS - _END_CHARS]}\n{text[-_END_CHARS:]}"
    return list(_pieces(normalised(text)))


def mended(found: Sequence[Piece], mend: Mend) -> list[Piece]:
    """The pieces, each Latin word as `mend` spells it."""
    return [Piece("latin", mend(p.text)) if p.kind == "latin" else p for p in found]


def tokens(found: Sequence[Piece]) -> Tokens:
    """The tokens of a text's pieces."""
    words: list[str] = []
    grams: list[str] = []
    for piece in found:
        match piece.kind:
            case "chinese":
                words += _cutter().cut(piece.text)
                grams += _grams(piece.text, _CHINESE_GRAMS) or [piece.text]
            case "latin":
                words.append(stem(piece.text))
                grams += _grams(f"<{piece.text}>", _LATIN_GRAMS)
            case "number":
                words.append(piece.text)
                grams.append(piece.text)
    return Tokens(words, grams)


def language_of(text: str) -> Language:
    """Chinese from a quarter of the letters on: a mixed text is written by a Chinese hand."""
    found = list(_pieces(unicodedata.normalize("NFKC", text).lower()))
    chinese = sum(len(p.text) for p in found if p.kind == "chinese")
    # A Chinese character says about as much as three letters.
    latin = sum(len(p.text) for p in found if p.kind == "latin") / 3
    return "zh" if chinese and chinese >= latin / 3 else "en"


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """The stem of an English word in lower case; other words stay nearly as they are."""
    with _stemming:  # the stemmer works in its own fields
        return str(_stemmer().stemWord(word))


def _pieces(folded: str) -> Iterator[Piece]:
    for match in _PIECE.finditer(folded):
        text = match[0]
        match match.lastgroup:
            case "chinese":
                yield Piece("chinese", text)
            case "number":
                yield Piece("number", NUMBER)
            case _:
                yield Piece("latin", text[:_MOST_WORD_CHARS])


def _grams(text: str, sizes: Sequence[int]) -> list[str]:
    return [text[i : i + n] for n in sizes for i in range(len(text) - n + 1)]


_stemming = threading.Lock()


@cache
def _stemmer() -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer("english")


@cache
def _cutter() -> Any:
    import rjieba

    return rjieba


@cache
def _simplifier() -> Any:
    import opencc

    return opencc.OpenCC("t2s")
