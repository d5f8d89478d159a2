"""The numbers by which rows are weighed, as they were learned from labelled texts."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from talkwire.scenarios.features import NAMES

VERSION = 1
SHIPPED = Path(__file__).with_name("weights.json")

Curve = tuple[tuple[float, float], ...]
"""Points from left to right: a probability as it was weighed, and how often it was right."""


class Weights(Struct, frozen=True):
    """What is learned. `columns` are the weights by feature; one that is not named weighs nothing.

    `answers` and `asides` correct the probability of a decision for a scenario, or against all.
    A text is out of scope from `out_of_scope_from` on; below `sure_from` (corrected) it is better
    to ask which scenario is meant. `learned` tells from what it was learned, for people to read.
    """

    columns: dict[str, float]
    answers: Curve = ((0.0, 0.0), (1.0, 1.0))
    asides: Curve = ((0.0, 0.0), (1.0, 1.0))
    out_of_scope_from: float = 0.5
    sure_from: float = 0.5
    learned: dict[str, Any] = {}
    version: int = VERSION

    def fault(self) -> str:
        """Why these cannot be used here; "" if they can."""
        if self.version != VERSION:
            return f"they are of version {self.version}, not {VERSION}"
        unknown = sorted(set(self.columns) - set(NAMES))
        return f"unknown features: {', '.join(unknown)}" if unknown else ""

    def probabilities(self, rows: NDArray[Any], *, without: NDArray[Any] | None) -> NDArray[Any]:
        """How likely each row's entry is the one that is meant; together 1. `without` marks rows
        that are not to be looked at.
        """
        scores = rows @ np.array([self.columns.get(name, 0.0) for name in NAMES])
        if without is not None:
            scores[without] = -np.inf
        shares = np.exp(scores - scores.max())
        whole: NDArray[Any] = shares / shares.sum()
        return whole

    def answer(self, first: float, second: float) -> float:
        """How often a scenario that came first with this probability was the right one; never more
        than the second one leaves.
        """
        return min(corrected(self.answers, first), 1 - second)

    def aside(self, probability: float) -> float:
        """How often it was right to see no scenario's matter in a text."""
        return corrected(self.asides, probability)


def corrected(curve: Curve, probability: float) -> float:
    """The value of a curve, straight between its points."""
    return float(np.interp(probability, [x for x, _ in curve], [y for _, y in curve]))


# Set by hand, rounded from what several label sets would give; for when nothing usable was learned.
BY_HAND = Weights(
    columns={
        "likelihood_words": 0.7,
        "likelihood_grams": 0.3,
        "likelihood_ideas": 1.0,
        "best_words": 7,
        "best_grams": 5,
        "several_words": 12,
        "several_grams": 15,
        "procedure": 7,
        "vector": 12,
        "previous": -1.5,
        "previous_leans": 3,
        "previous_refers": 2,
        "previous_short": 10,
        "previous_covered": 10,
        "previous_telling": -1,
        "previous_vector": 4,
        "person": 2,
        "person_best": -2,
        "person_covered": 20,
        "person_asked": 4,
        "out_of_scope_likelihood": 0.2,
        "out_of_scope_best": -4,
        "out_of_scope_covered": 15,
        "out_of_scope_short": 8,
        "out_of_scope_leans": -1,
    }
)


@cache
def shipped() -> Weights:
    """The weights of the package; those set by hand where they cannot be used."""
    try:
        weights = msgspec.json.decode(SHIPPED.read_bytes(), type=Weights)
    except (OSError, msgspec.DecodeError):
        return BY_HAND
    return BY_HAND if weights.fault() else _heard(weights)


def from_file(path: Path) -> Weights:
    """Weights that were learnt for a catalogue of one's own. :raises ValueError: no such thing."""
    try:
        weights = msgspec.json.decode(path.read_bytes(), type=Weights)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise ValueError(f"{path} holds no weights: {error}") from None
    if fault := weights.fault():
        raise ValueError(f"{path} holds no weights: {fault}")
    return _heard(weights)


def _heard(weights: Weights) -> Weights:
    """Weights that were learnt without vectors say nothing of them: where there are some, they
    count by hand, for half of what they do where nothing was learnt.
    """
    vector = weights.columns.get("vector") or BY_HAND.columns["vector"] / 2
    return structs.replace(weights, columns={**weights.columns, "vector": vector})


def written(weights: Weights) -> bytes:
    """The weights as JSON for people to read, a feature a line."""
    return msgspec.json.format(msgspec.json.encode(weights), indent=1) + b"\n"
