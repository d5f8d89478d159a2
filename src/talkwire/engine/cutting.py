"""Where a text can be cut: between paragraphs, lines or words, and never inside of a character.

Pure. A character here is what a person takes for one: with its accents, its other half of a
surrogate pair, or the rest of its emoji.
"""

from __future__ import annotations

import unicodedata

from talkwire.engine.window import estimate_tokens

_MARKS = ("\n\n", "\n", " ")
_BACK = 32  # a "character" of more code points than this is nobody's, and is cut after all
_JOINER = "\u200d"


def head(text: str, most: int) -> str:
    """The beginning of a text, at most `most` (1 or more) code points of it, to a boundary.

    In the second half of those the last end of a paragraph is taken, else of a line, else of a
    word, else of a character. Empty for an empty text only.
    """
    if len(text) <= most:
        return text
    for mark in _MARKS:
        found = text.rfind(mark, most // 2, most)
        if found >= 0 and not inside(text, found + len(mark)):
            return text[: found + len(mark)]
    return text[: boundary(text, most)]


def boundary(text: str, most: int) -> int:
    """The last place up to `most` (1 … len(text)) where no character is cut; at least 1."""
    for at in range(most, max(most - _BACK, 0), -1):
        if not inside(text, at):
            return at
    return most - 1 if most > 1 and _halves(text, most) else most


def pieces(text: str, most_tokens: int) -> list[str]:
    """The text in pieces of at most `most_tokens` (4 or more), as they are estimated."""
    found: list[str] = []
    start = 0
    while start < len(text):
        room = _room(text, start, most_tokens)
        # One code point more, so that the last boundary can be judged.
        piece = head(text[start : start + room + 1], room)
        found.append(piece)
        start += len(piece)
    return found


def inside(text: str, at: int) -> bool:
    """True where a cut before `text[at]` would part what belongs together."""
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if after < "\u0300":
        return before == "\r" and after == "\n"
    if after == _JOINER or before == _JOINER or unicodedata.category(after).startswith("M"):
        return True
    if _is_flag(before) and _is_flag(after):
        return _flags_before(text, at) % 2 == 1
    return (
        _halves(text, at)
        or "\U0001f3fb" <= after <= "\U0001f3ff"  # the colour of a skin
        or "\U000e0020" <= after <= "\U000e007f"  # the tag of a flag
        or "\u1160" <= after <= "\u11ff"  # a later part of a Korean syllable
    )


def _room(text: str, start: int, most_tokens: int) -> int:
    """How many code points from `start` on are at most `most_tokens`; at least 1."""
    end, left = start, most_tokens
    while left > 1 + most_tokens // 32 and end < len(text):
        # No text costs more than this many code points do: two thirds of a token each.
        stretch = text[end : end + (left - 1) * 3 // 2]
        end += len(stretch)
        left -= estimate_tokens(stretch)
    return end - start


def _halves(text: str, at: int) -> bool:
    return (
        0 < at < len(text)
        and "\ud800" <= text[at - 1] <= "\udbff"
        and "\udc00" <= text[at] <= "\udfff"
    )


def _is_flag(letter: str) -> bool:
    return "\U0001f1e6" <= letter <= "\U0001f1ff"


def _flags_before(text: str, at: int) -> int:
    count = 0
    while count < _BACK and count < at and _is_flag(text[at - 1 - count]):
        count += 1
    return count
