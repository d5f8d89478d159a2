"""Learns from labelled texts how the ranking weighs, and how sure it may be.

A logistic regression over the rows of each text (softmax), its strength and all thresholds chosen
by cross-validation within the calibration split. Needs scikit-learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from talkwire.scenarios.cases import CHANGE, FOLDS, Case, Embedded, cases, number_of
from talkwire.scenarios.features import NAMES
from talkwire.scenarios.labelled import Row
from talkwire.scenarios.retrieve import Index
from talkwire.scenarios.units import ASIDES
from talkwire.scenarios.weighing import Curve, Weights

STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0)
"""What is tried to hold the weights back."""

_LEAST_CAUGHT = 0.9  # of what is out of scope
_SURE_SHARE = 0.02  # no confidence is nearer to 0 or 1: so few labels cannot tell
_ASKED_WELL = 0.5  # what a question is worth whose choices hold the right one; a right answer is 1


class MissingExtra(RuntimeError):
    """Something is not installed."""


def learn(index: Index, labelled: Sequence[Row], embedded: Embedded | None = None) -> Weights:
    """The weights that rank the calibration split best; rows of other splits are left alone.

    `embedded` has the vectors of all texts, where the index has vectors.

    :raises MissingExtra: scikit-learn is not installed.
    :raises ValueError: too few texts, or a scenario that the catalogue does not have.
    """
    try:
        from scipy.optimize import minimize  # comes with scikit-learn
        from sklearn.isotonic import IsotonicRegression
    except ModuleNotFoundError:
        told = "learning needs scikit-learn: pip install 'talkwire[scenarios]'"
        raise MissingExtra(told) from None
    used = [row for row in labelled if row.split == "calibration"]
    if len({number_of(row.text, "fold") % FOLDS for row in used}) < FOLDS:
        raise ValueError(f"the calibration split has too few texts to learn from: {len(used)}")
    made = _Regression(list(cases(index, used, embedded)), minimize)
    strength, shares = made.best()
    columns = made.fit(made.weights, strength)
    return _calibrated(
        Weights({n: round(float(w), 4) for n, w in zip(NAMES, columns, strict=True) if w}),
        _Decided(shares, made.right, made.weights, made.natural),
        IsotonicRegression,
        {"texts": len(used), "strength": strength, "catalogue": index.catalogue.version},
    )


class _Regression:
    """Multinomial logistic regression over rows that share their weights."""

    def __init__(self, given: Sequence[Case], minimize: Any) -> None:
        stacked = np.stack([case.rows for case in given]).astype(np.float64)
        self._scale = _scales(stacked.reshape(-1, stacked.shape[2]))
        self._rows = stacked / self._scale
        self._minimize = minimize
        self._folds = np.array([case.fold for case in given])
        self.right = np.array([case.right for case in given])
        self.weights = np.array([case.weight for case in given])
        self.natural = np.array([case.natural for case in given])

    def best(self) -> tuple[float, NDArray[Any]]:
        """The strength with the least loss, and what it said of texts that it had not seen."""
        tried = {strength: self._unseen(strength) for strength in STRENGTHS}
        strength = min(tried, key=lambda each: self._loss(tried[each]))
        return strength, tried[strength]

    def fit(self, weights: NDArray[Any], strength: float) -> NDArray[Any]:
        """The weights by feature, learned from the cases as far as each counts."""
        at = np.arange(len(self.right))
        wanted = np.einsum("c,cf->f", weights, self._rows[at, self.right])

        def loss(columns: NDArray[Any]) -> tuple[float, NDArray[Any]]:
            shares = _softmax(self._rows @ columns)
            told = np.log(np.maximum(shares[at, self.right], 1e-300))
            pulled = np.einsum("ce,cef->f", shares * weights[:, None], self._rows)
            return (
                float(-(weights * told).sum() + strength * (columns @ columns) / 2),
                pulled - wanted + strength * columns,
            )

        start = np.zeros(self._rows.shape[2])
        found = self._minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500})
        learned: NDArray[Any] = found.x / self._scale
        return learned

    def _unseen(self, strength: float) -> NDArray[Any]:
        shares = np.zeros(self._rows.shape[:2])
        for fold in range(FOLDS):
            columns = self.fit(self.weights * (self._folds != fold), strength) * self._scale
            held = self._folds == fold
            shares[held] = _softmax(self._rows[held] @ columns)
        return shares

    def _loss(self, shares: NDArray[Any]) -> float:
        told = np.log(np.maximum(shares[np.arange(len(self.right)), self.right], 1e-12))
        return float(-(self.weights * told).sum())


class _Decided(Struct, frozen=True):
    """What was said of each case by weights that had not seen it."""

    shares: NDArray[Any]
    right: NDArray[Any]
    weights: NDArray[Any]
    natural: NDArray[Any]


def _calibrated(
    weights: Weights, decided: _Decided, isotonic: Any, learned: dict[str, Any]
) -> Weights:
    """The weights with their corrections and thresholds."""
    shares, right = decided.shares, decided.right
    count = shares.shape[1] - len(ASIDES)
    scenario, aside = shares[:, :count], shares[:, count:]
    sample = np.where(decided.natural, 1.0, CHANGE)
    hit = scenario.argmax(axis=1) == right
    answers = _curve(isotonic, scenario.max(axis=1), hit, sample)
    hit_aside = aside.argmax(axis=1) + count == right
    asides = _curve(isotonic, aside.max(axis=1), hit_aside, sample)
    natural = decided.natural
    threshold = _scope(shares[natural], right[natural])
    kept = natural & (shares[:, -1] < threshold) & (right < count)
    three = (np.argsort(-scenario, axis=1)[:, :3] == right[:, None]).any(axis=1)
    made = Weights(weights.columns, answers, asides, out_of_scope_from=threshold, learned=learned)
    two = np.sort(scenario, axis=1)[:, -2:]
    confidence = np.array([made.answer(pair[-1], pair[0] * (count > 1)) for pair in two])
    return structs.replace(made, sure_from=_sureness(confidence[kept], hit[kept], three[kept]))


def _curve(isotonic: Any, shares: NDArray[Any], hit: NDArray[Any], sample: NDArray[Any]) -> Curve:
    """A rising curve from probability to how often it was right: straight between the middles of
    the steps that isotonic regression finds.
    """
    fitted = isotonic(y_min=_SURE_SHARE, y_max=1 - _SURE_SHARE, out_of_bounds="clip")
    heights = fitted.fit_transform(shares, hit, sample_weight=sample)
    points: list[tuple[float, float]] = []
    for height in np.unique(heights):
        step = heights == height
        middle = float(np.average(shares[step], weights=sample[step]))
        points.append((round(middle, 4), round(float(height), 4)))
    return tuple(points)


def _scope(shares: NDArray[Any], right: NDArray[Any]) -> float:
    """From which probability on a text is out of scope: where most decisions are right, of the
    thresholds that catch enough of what is; of equal ones the middle.
    """
    outside = right == shares.shape[1] - 1
    tried: list[tuple[bool, float, float]] = []
    for threshold in np.arange(0.2, 0.81, 0.05):
        called = shares[:, -1] >= threshold
        best = np.where(called, shares.shape[1] - 1, shares[:, :-1].argmax(axis=1))
        caught = float(called[outside].mean()) if outside.any() else 1.0
        accuracy = float((best == right).mean())
        tried.append((caught >= _LEAST_CAUGHT, accuracy, round(float(threshold), 2)))
    enough, accuracy = max(each[:2] for each in tried)
    equal = [each[2] for each in tried if each[:2] == (enough, accuracy)]
    return equal[len(equal) // 2]


def _sureness(confidence: NDArray[Any], hit: NDArray[Any], three: NDArray[Any]) -> float:
    """From which confidence on an answer is worth more than a question. A wrong answer costs as
    much as a right one is worth, and a question whose choices are all wrong half of that.
    """
    asked = np.where(three, _ASKED_WELL, -_ASKED_WELL)
    answered = np.where(hit, 1.0, -1.0)
    tried = np.arange(0.2, 0.81, 0.05)
    worth = [np.where(confidence >= each, answered, asked).sum() for each in tried]
    return round(float(tried[int(np.argmax(worth))]), 2)


def _scales(rows: NDArray[Any]) -> NDArray[Any]:
    """How much each feature varies in the rows where it says anything; 1 where it does not."""
    said = np.where(rows != 0, rows, np.nan)
    scales = np.ones(rows.shape[1])
    used = (rows != 0).any(axis=0)
    scales[used] = np.nanstd(said[:, used], axis=0)
    return np.where(scales > 0, scales, 1.0)


def _softmax(scores: NDArray[Any]) -> NDArray[Any]:
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    whole: NDArray[Any] = shares / shares.sum(axis=1, keepdims=True)
    return whole
