"""Mends mistyped English words by the nearest word of a known list."""

from __future__ import annotations

from collections.abc import Iterable

from rapidfuzz import process
from rapidfuzz.distance import OSA

from talkwire.scenarios.words import Mend

_LEAST_CHARS = 4
_LONG_CHARS = 8  # from here on two slips are forgiven
_MOST_MENDED = 8  # each is compared with some dozens of words


class Speller:
    """Knows words in lower case; of several that are equally near, the earlier one is taken."""

    def __init__(self, words: Iterable[str]) -> None:
        self._known = dict.fromkeys(words)
        self._near: dict[tuple[str, int], list[str]] = {}
        for word in self._known:
            self._near.setdefault((word[:1], len(word)), []).append(word)

    @property
    def words(self) -> list[str]:
        """All that is known, in its order."""
        return list(self._known)

    def nearest(self, word: str) -> str:
        """The known word that was probably meant, else the word itself. The first letter is held
        to be right; one slip is forgiven (a letter more, less, other, or two swapped), two in a
        long word.
        """
        if len(word) < _LEAST_CHARS or word in self._known:
            return word
        for slips in range(1, 2 if len(word) < _LONG_CHARS else 3):
            for length in sorted(range(-slips, slips + 1), key=abs):
                words = self._near.get((word[0], len(word) + length), ())
                found = process.extractOne(word, words, scorer=OSA.distance, score_cutoff=slips)
                if found is not None:
                    return str(found[0])
        return word

    def for_one_text(self) -> Mend:
        """What mends the words of one text: of very many unknown ones, only the first."""
        left = _MOST_MENDED

        def mend(word: str) -> str:
            nonlocal left
            if word in self._known or left <= 0:
                return word
            left -= 1
            return self.nearest(word)

        return mend
