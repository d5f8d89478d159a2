"""Two ways to compare a text with what is known by its tokens.

A `Voice` asks how much of the query one unit (an example, a title …) covers; a `Profile` asks how
likely a whole scenario is to say what the query says. Both hold plain arrays.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import bm25s
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

_K1 = 0.6  # in short texts a word that comes twice says hardly more than once
_B = 0.35
_SMOOTHING = 0.05


class Weighted(Struct, frozen=True):
    """The tokens of a query that are known, each once: numbers, and weights of unit length."""

    ids: Ints
    weights: Floats


class Voice:
    """BM25 over units; a score is the share of the query's information that a unit covers."""

    def __init__(self, ranking: Any) -> None:
        self.ranking = ranking
        self.vocabulary: dict[str, int] = ranking.vocab_dict
        self.units = int(ranking.scores["num_docs"])
        found = np.diff(ranking.scores["indptr"])
        self._idf = _idf(found, self.units)
        self._idf_of_unknown = float(_idf(np.zeros(1), self.units)[0])

    @classmethod
    def over(cls, units: Sequence[Sequence[str]]) -> Voice:
        """The voice over these units' tokens."""
        vocabulary = {"": 0}  # stands in a unit that has no tokens
        ids = [[vocabulary.setdefault(t, len(vocabulary)) for t in unit or ("",)] for unit in units]
        ranking = bm25s.BM25(k1=_K1, b=_B, method="lucene")
        ranking.index((ids, vocabulary), show_progress=False, create_empty_token=False)
        return cls(ranking)

    def covered(self, tokens: Iterable[str]) -> Floats:
        """The share by unit, 0 … 1; an unknown token is information that no unit covers."""
        counts = Counter(tokens)
        known = [n for t in counts if (n := self.vocabulary.get(t)) is not None]
        if not known:
            return np.zeros(self.units, np.float32)
        unknown = len(counts) - len(known)
        ideal = float(self._idf[known].sum()) + unknown * self._idf_of_unknown
        scores: Floats = self.ranking.get_scores_from_ids(known)
        shares: Floats = np.minimum(scores * np.float32((1 + _K1) / ideal), 1)
        return shares

    def rarity(self, token: str) -> float:
        """How much a token says: the logarithm of how few units have it."""
        number = self.vocabulary.get(token)
        return self._idf_of_unknown if number is None else float(self._idf[number])

    def weighted(self, tokens: Iterable[str]) -> Weighted:
        """The query's known tokens, weighted by how often they come and how rare they are."""
        counts = Counter(t for t in tokens if t in self.vocabulary)
        ids = np.fromiter((self.vocabulary[t] for t in counts), np.int32, len(counts))
        weights = 1 + np.log(np.fromiter(counts.values(), np.float32, len(counts)))
        weights *= self._idf[ids] + 1
        length = np.float32(max(float(np.linalg.norm(weights)), 1e-9))
        return Weighted(ids, np.asarray(weights / length, np.float32))


class Profile:
    """Naive Bayes over entries: what an entry says of a token is its log likelihood.

    `data` holds by token how much more likely it is in the entries of `indices` than one that the
    entry never says; that is `floor`, by entry.
    """

    def __init__(self, indptr: Ints, indices: Ints, data: Floats, floor: Floats) -> None:
        self.indptr, self.indices, self.data, self.floor = indptr, indices, data, floor
        spread = np.log(np.maximum(np.diff(indptr), 1)) / max(math.log(len(floor)), 1e-9)
        self._rarity = (1 - spread).astype(np.float32)

    @classmethod
    def over(
        cls,
        units: Iterable[Weighted],
        weights: Sequence[float],
        entries: Sequence[int],
        *,
        size: tuple[int, int],
    ) -> Profile:
        """The profiles of `size[0]` entries over `size[1]` tokens. A unit counts for its entry as
        much as its weight, however long it is.
        """
        count, vocabulary = size
        mass: list[dict[int, float]] = [{} for _ in range(count)]
        for unit, weight, entry in zip(units, weights, entries, strict=True):
            said = mass[entry]
            for token, share in zip(unit.ids.tolist(), unit.weights.tolist(), strict=True):
                said[token] = said.get(token, 0.0) + share * weight
        tokens = np.fromiter((t for said in mass for t in said), np.int32)
        masses = np.fromiter((m for said in mass for m in said.values()), np.float32)
        of_entry = np.repeat(np.arange(count, dtype=np.int32), [len(said) for said in mass])
        order = np.argsort(tokens, kind="stable")
        found = np.bincount(tokens, minlength=vocabulary)
        total = np.bincount(of_entry, masses, minlength=count) + _SMOOTHING * vocabulary
        return cls(
            np.concatenate([[0], np.cumsum(found)]).astype(np.int32),
            of_entry[order],
            np.log1p(masses[order] / _SMOOTHING).astype(np.float32),
            np.log(_SMOOTHING / total).astype(np.float32),
        )

    def telling(self, query: Weighted) -> float:
        """How much the query's tokens tell entries apart: 1 for each that one entry alone says, 0
        for each that all say.
        """
        return float(self._rarity[query.ids].sum())

    def likelihood(self, query: Weighted) -> Floats:
        """The query's log likelihood by entry, up to the query's own length (its weights)."""
        starts = self.indptr[query.ids]
        lengths = self.indptr[query.ids + 1] - starts
        ends = np.cumsum(lengths)
        count = int(ends[-1]) if len(ends) else 0
        # All postings of the query's tokens, as one run of positions.
        at = np.arange(count) - np.repeat(ends - lengths - starts, lengths)
        gained = np.bincount(
            self.indices[at],
            self.data[at] * np.repeat(query.weights, lengths),
            minlength=len(self.floor),
        )
        return (gained + self.floor * float(query.weights.sum())).astype(np.float32)


def _idf(found: NDArray[Any], units: int) -> Floats:
    return np.log1p((units - found + 0.5) / (found + 0.5)).astype(np.float32)
