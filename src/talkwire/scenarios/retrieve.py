"""Finds how well each scenario of a catalogue fits a text, without a network and without a model.

What is found are plain scores; `rank.py` makes a decision of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from talkwire.canon.scenarios import Language
from talkwire.scenarios.catalogue import Catalogue, Passage, Scenario
from talkwire.scenarios.ideas import ideas, known_words
from talkwire.scenarios.quoting import passages
from talkwire.scenarios.spelling import Speller
from talkwire.scenarios.units import ASIDES, WEIGHTS, Unit, units
from talkwire.scenarios.voices import Floats, Ints, Profile, Voice
from talkwire.scenarios.words import Piece, mended, pieces, tokens

Kind = Literal["words", "grams", "ideas"]
KINDS: tuple[Kind, ...] = ("words", "grams", "ideas")
SEVERAL = 3
"""`several` is the mean of so many of an entry's best units."""


class Sight(Struct, frozen=True):
    """What a text looks like to an index. All arrays are by entry: the scenarios in their order,
    then the asides.

    `best`, `several` and `procedure` are shares, 0 … 1, of the text's information that the best
    unit, several units, and the best passage of an entry cover; `likelihood` is logarithmic.
    `telling` is how much the text's ideas tell entries apart, 1 for each that one alone speaks of.
    `vector` is the cosine of the nearest example, where there are vectors.
    """

    best: dict[Kind, Floats]
    several: dict[Kind, Floats]
    procedure: Floats
    likelihood: dict[Kind, Floats]
    vector: Floats | None
    telling: float
    words: int


class Parts(Struct, frozen=True):
    """What an index is made of, beside what its catalogue tells at once."""

    voices: dict[Kind, Voice]
    profiles: dict[Kind, Profile]
    speller: Speller


class Index:
    """A catalogue made ready for searching. It is never changed, and threads may share it."""

    def __init__(
        self, catalogue: Catalogue, parts: Parts, *, vectors: NDArray[Any] | None = None
    ) -> None:
        self.catalogue = catalogue
        self.parts = parts
        self._places = {s.key: entry for entry, s in enumerate(catalogue.scenarios)}
        self._categories: dict[str, tuple[int, ...]] = {}
        for (category, _), entry in self._places.items():
            self._categories[category] = (*self._categories.get(category, ()), entry)
        found = units(catalogue)
        self._groups = _Groups(np.array([unit.entry for unit in found], np.int32))
        self._weights = np.array([WEIGHTS[unit.field] for unit in found], np.float32)
        self._procedures = np.array([unit.field == "procedure" for unit in found])
        examples = [unit for unit in found if unit.field in ("example", "title")]
        self.texts = tuple(unit.text for unit in examples)
        """What vectors are to be made of, in the order of their matrix."""
        self._vectors = vectors
        if vectors is not None and len(vectors) != len(self.texts):
            raise ValueError(f"{len(self.texts)} vectors are needed, not {len(vectors)}")
        self._vector_groups = _Groups(np.array([unit.entry for unit in examples], np.int32))

    @property
    def has_vectors(self) -> bool:
        """Whether it has a third voice."""
        return self._vectors is not None

    @classmethod
    def of(cls, catalogue: Catalogue) -> Index:
        """Build the index: some seconds for a thousand scenarios. Blocks."""
        found = units(catalogue)
        cut = [pieces(unit.text) for unit in found]
        count = len(catalogue.scenarios) + len(ASIDES)
        voices: dict[Kind, Voice] = {}
        profiles: dict[Kind, Profile] = {}
        for kind in KINDS:
            lists = [_tokens(each)[kind] for each in cut]
            voices[kind] = voice = Voice.over(lists)
            profiles[kind] = _profile(voice, lists, found, count)
        return cls(catalogue, Parts(voices, profiles, Speller(_spelling(cut))))

    def place(self, key: tuple[str, str] | None) -> int | None:
        """The entry of a scenario by its key; None if the catalogue does not have it."""
        return None if key is None else self._places.get(key)

    def within(self, category: str) -> tuple[int, ...] | None:
        """The entries of a category; None for all, where there is no such category."""
        return self._categories.get(category)

    def passages(
        self, query: str, scenario: Scenario, language: Language | None = None
    ) -> tuple[Passage, ...]:
        """See `quoting.passages`."""
        return passages(query, scenario, self.catalogue, self._rarity, language)

    def with_vectors(self, vectors: NDArray[Any]) -> Index:
        """The same index with a third voice: a vector of length 1 for each of `texts`."""
        return Index(self.catalogue, self.parts, vectors=np.asarray(vectors, np.float32))

    def look(self, text: str, vector: NDArray[Any] | None = None) -> Sight:
        """How well each entry fits a text; `vector` is the text's own, of length 1."""
        found = mended(pieces(text), self.parts.speller.for_one_text())
        said = _tokens(found)
        covered = {kind: self.parts.voices[kind].covered(said[kind]) for kind in KINDS}
        weighted = {kind: scores * self._weights for kind, scores in covered.items()}
        profiles = self.parts.profiles
        queries = {kind: self.parts.voices[kind].weighted(said[kind]) for kind in KINDS}
        return Sight(
            best={kind: self._groups.best(scores) for kind, scores in weighted.items()},
            several={kind: self._groups.several(scores) for kind, scores in weighted.items()},
            procedure=self._groups.best(covered["words"] * self._procedures),
            likelihood={kind: profiles[kind].likelihood(queries[kind]) for kind in KINDS},
            vector=self._nearest(vector),
            telling=profiles["ideas"].telling(queries["ideas"]),
            words=len(said["words"]),
        )

    def _rarity(self, token: str) -> float:
        idea = token.startswith("@")
        voice = self.parts.voices["ideas" if idea else "words"]
        return voice.rarity(token.removeprefix("@") if idea else token)

    def _nearest(self, vector: NDArray[Any] | None) -> Floats | None:
        if vector is None or self._vectors is None:
            return None
        return self._vector_groups.best(self._vectors @ np.asarray(vector, np.float32))


class _Groups:
    """Scores of units that stand together by entry. Every entry has at least one."""

    def __init__(self, entries: Ints) -> None:
        self._starts = np.flatnonzero(np.diff(entries, prepend=-1))
        self._sizes = np.diff(self._starts, append=len(entries))

    def best(self, scores: Floats) -> Floats:
        best: Floats = np.maximum.reduceat(scores, self._starts)
        return best

    def several(self, scores: Floats) -> Floats:
        """The mean of the best ones; equal ones count once, so that no wording counts double."""
        left = scores.copy()
        total = np.zeros(len(self._starts), np.float32)
        for _ in range(SEVERAL):
            best = np.maximum(self.best(left), 0)
            total += best
            left[left >= np.repeat(best, self._sizes)] = -1
        return np.asarray(total / SEVERAL, np.float32)


def _tokens(found: Sequence[Piece]) -> dict[Kind, list[str]]:
    cut = tokens(found)
    return {"words": cut.words, "grams": cut.grams, "ideas": ideas(found)}


def _profile(
    voice: Voice, lists: Sequence[Sequence[str]], found: Sequence[Unit], count: int
) -> Profile:
    return Profile.over(
        (voice.weighted(each) for each in lists),
        [WEIGHTS[unit.field] for unit in found],
        [unit.entry for unit in found],
        size=(count, len(voice.vocabulary)),
    )


def _spelling(cut: Sequence[Sequence[Piece]]) -> Iterator[str]:
    """The English words as they are written in a catalogue, then those that have ideas."""
    for found in cut:
        yield from (piece.text for piece in found if piece.kind == "latin")
    yield from known_words()
