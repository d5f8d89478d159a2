"""Measures a ranking on labelled texts: how often it is right, and whether it knows when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from msgspec import Struct

from talkwire.scenarios.cases import Embedded
from talkwire.scenarios.catalogue import Intent
from talkwire.scenarios.labelled import Row
from talkwire.scenarios.rank import Ranked, rank
from talkwire.scenarios.retrieve import Index
from talkwire.scenarios.weighing import Weights

BINS = 10
_MOST_CONFUSED = 15


class Tried(Struct, frozen=True):
    """A row, and what was decided for it. `place` counts the right scenario's place from 1, 0 is
    none; an `aside` decides against all scenarios.
    """

    row: Row
    given: tuple[str, str]
    aside: Intent | None
    place: int
    confidence: float
    sure: bool
    stays: bool
    """Whether the decision is the scenario of the text before."""

    @property
    def right(self) -> bool:
        """Whether the decision is the labelled one."""
        if self.row.in_scope:
            return self.aside is None and self.place == 1
        return self.aside == self.row.kind


class Share(Struct, frozen=True):
    """So many of so many."""

    count: int
    of: int

    @property
    def value(self) -> float:
        """0 … 1; 1 of nothing."""
        return self.count / self.of if self.of else 1.0


class Figures(Struct, frozen=True):
    """Of all texts of a kind, the share that was decided rightly.

    `top_1` and `top_3` are of texts that a scenario is about, and not called out of scope;
    `false_out_of_scope` is of the same texts. `asked` is where the ranking itself is not sure.
    """

    texts: int
    top_1: Share
    top_3: Share
    out_of_scope_recall: Share
    out_of_scope_precision: Share
    false_out_of_scope: Share
    person_recall: Share
    follow_up: Share
    asked: Share


class Bin(Struct, frozen=True):
    """Decisions of about the same confidence: its mean, and the share that was right."""

    least: float
    most: float
    count: int
    confidence: float
    accuracy: float


class Point(Struct, frozen=True):
    """How right the decisions are if only those of at least this confidence are taken."""

    confidence: float
    coverage: float
    accuracy: float


class Confusion(Struct, frozen=True):
    """So often was `given` taken for `right`; "" stands for out of scope, or a person."""

    right: str
    given: str
    count: int


class Evaluation(Struct, frozen=True):
    """All that was measured on one split. Calibration errors are means over texts, 0 … 1."""

    split: str
    all: Figures
    by_language: dict[str, Figures]
    by_kind: dict[str, Figures]
    switch: Share
    """Of plain texts in a conversation about something else, those that leave it rightly."""

    error_equal_width: float
    error_equal_count: float
    reliability: tuple[Bin, ...]
    abstention: tuple[Point, ...]
    confused: tuple[Confusion, ...]


def evaluate(
    index: Index,
    labelled: Sequence[Row],
    split: str = "test",
    *,
    weights: Weights | None = None,
    embedded: Embedded | None = None,
) -> Evaluation:
    """Rank all texts of a split, each follow-up after the text before it. Blocks.

    :raises ValueError: the split has no texts.
    """
    rows = [row for row in labelled if row.split == split]
    if not rows:
        raise ValueError(f"there are no texts in the split {split!r}")
    ranking = _Ranking(index, weights, embedded or {})
    tried = [ranking.tried(row) for row in rows]
    changes = [ranking.after_another(row) for row in rows if row.kind == "plain"]
    pairs = sorted(((each.confidence, each.right) for each in tried), key=lambda pair: pair[0])
    reliability = _equal_width(pairs)
    return Evaluation(
        split=split,
        all=_figures(tried),
        by_language=_by(tried, lambda each: each.row.language),
        by_kind=_by(tried, lambda each: each.row.kind),
        switch=_share(each.right for each in changes),
        error_equal_width=_error(reliability),
        error_equal_count=_error(_equal_count(pairs)),
        reliability=reliability,
        abstention=_abstention(pairs),
        confused=_confused(tried),
    )


class _Ranking:
    def __init__(self, index: Index, weights: Weights | None, embedded: Embedded) -> None:
        self._index = index
        self._weights = weights
        self._embedded = embedded

    def tried(self, row: Row) -> Tried:
        before: tuple[str, str] | None = None
        if row.previous:
            first = self._ranked(row.previous, None).candidates
            before = first[0].scenario.key if first else None
        return self._decided(row, before)

    def after_another(self, row: Row) -> Tried:
        """The text in a conversation about another scenario, always the same one."""
        keys = [scenario.key for scenario in self._index.catalogue.scenarios]
        others = [key for key in keys if key != row.key]
        return self._decided(row, others[sum(row.text.encode()) % len(others)] if others else None)

    def _decided(self, row: Row, before: tuple[str, str] | None) -> Tried:
        ranked = self._ranked(row.text, before)
        keys = [candidate.scenario.key for candidate in ranked.candidates]
        given = keys[0] if keys and ranked.aside is None else ("", "")
        return Tried(
            row=row,
            given=given,
            aside=ranked.aside,
            place=keys.index(row.key) + 1 if row.key in keys else 0,
            confidence=_confidence(ranked),
            sure=ranked.sure,
            stays=before is not None and given == before,
        )

    def _ranked(self, text: str, before: tuple[str, str] | None) -> Ranked:
        vector = self._embedded.get(text)
        return rank(text, self._index, before, vector=vector, weights=self._weights)


def _confidence(ranked: Ranked) -> float:
    if ranked.aside is not None or not ranked.candidates:
        return ranked.aside_confidence
    return ranked.candidates[0].confidence


def _figures(tried: Sequence[Tried]) -> Figures:
    inside = [each for each in tried if each.row.in_scope]
    outside = [each for each in tried if each.row.kind == "out_of_scope"]
    called = [each for each in tried if each.aside == "out_of_scope"]
    kept = [each for each in inside if each.aside is None]
    return Figures(
        texts=len(tried),
        top_1=Share(sum(each.right for each in inside), len(inside)),
        top_3=Share(sum(1 <= each.place <= 3 for each in kept), len(inside)),
        out_of_scope_recall=_share(each.right for each in outside),
        out_of_scope_precision=_share(each.row.kind == "out_of_scope" for each in called),
        false_out_of_scope=_share(each.aside == "out_of_scope" for each in inside),
        person_recall=_share(each.right for each in tried if each.row.kind == "person"),
        follow_up=_share(each.stays for each in tried if each.row.kind == "followup"),
        asked=_share(not each.sure for each in inside if each.aside is None),
    )


def _share(right: Iterable[bool]) -> Share:
    found = list(right)
    return Share(sum(found), len(found))


def _by(tried: Sequence[Tried], part: Callable[[Tried], str]) -> dict[str, Figures]:
    parts: dict[str, list[Tried]] = {}
    for each in tried:
        parts.setdefault(part(each), []).append(each)
    return {name: _figures(parts[name]) for name in sorted(parts)}


def _equal_width(pairs: Sequence[tuple[float, bool]]) -> tuple[Bin, ...]:
    """Bins of the same width, the empty ones too; a bin ends before the next begins."""
    parts: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for pair in pairs:
        parts[min(int(pair[0] * BINS), BINS - 1)].append(pair)
    return tuple(_bin(n / BINS, (n + 1) / BINS, part) for n, part in enumerate(parts))


def _equal_count(pairs: Sequence[tuple[float, bool]]) -> tuple[Bin, ...]:
    ends = [round(len(pairs) * n / BINS) for n in range(BINS + 1)]
    parts = [pairs[a:b] for a, b in pairwise(ends) if b > a]
    return tuple(_bin(part[0][0], part[-1][0], part) for part in parts)


def _bin(least: float, most: float, part: Sequence[tuple[float, bool]]) -> Bin:
    count = len(part)
    confidence = sum(confidence for confidence, _ in part) / count if count else 0.0
    accuracy = sum(right for _, right in part) / count if count else 0.0
    return Bin(least, most, count, confidence, accuracy)


def _error(bins: Sequence[Bin]) -> float:
    total = sum(each.count for each in bins)
    return sum(each.count * abs(each.confidence - each.accuracy) for each in bins) / total


def _abstention(pairs: Sequence[tuple[float, bool]]) -> tuple[Point, ...]:
    """From the surest decisions to all, a point for each confidence that occurs."""
    points: list[Point] = []
    right = 0
    for count, (confidence, hit) in enumerate(reversed(pairs), 1):
        right += hit
        if points and points[-1].confidence == confidence:
            points.pop()
        points.append(Point(confidence, count / len(pairs), right / count))
    return tuple(points)


def _confused(tried: Sequence[Tried]) -> tuple[Confusion, ...]:
    pairs = Counter(
        (
            " › ".join(each.row.key) if each.row.in_scope else "",
            " › ".join(filter(None, each.given)),
        )
        for each in tried
        if not each.right
    )
    most = sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0]))[:_MOST_CONFUSED]
    return tuple(Confusion(right, given, count) for (right, given), count in most)
