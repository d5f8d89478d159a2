"""Ranks the scenarios of a catalogue for a text, with calibrated confidence and no model."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from talkwire.scenarios.catalogue import Intent, Scenario
from talkwire.scenarios.features import Setting, rows
from talkwire.scenarios.retrieve import Index
from talkwire.scenarios.units import ASIDES
from talkwire.scenarios.weighing import Weights, shipped

MOST_CANDIDATES = 20
"""So many are named; the conversation's scenario is among them whatever its place."""


class Candidate(Struct, frozen=True):
    """A scenario; `confidence` 0 … 1 is how often one that was ranked like it is the right one."""

    scenario: Scenario
    confidence: float


class Ranked(Struct, frozen=True):
    """The nearest scenarios, best first. Where an `aside` is set, the text is about none of them.

    `aside_confidence` is how likely the likelier aside is, be it set or not. `sure` is false where
    it is better to ask which of the scenarios is meant than to take the first.
    """

    candidates: tuple[Candidate, ...]
    aside: Intent | None = None
    aside_confidence: float = 0.0
    sure: bool = True


def rank(
    query: str,
    index: Index,
    previous: tuple[str, str] | None = None,
    *,
    category: str = "",
    vector: NDArray[Any] | None = None,
    weights: Weights | None = None,
) -> Ranked:
    """Rank the scenarios for a text.

    `previous` is the key of the conversation's scenario: a follow-up stays in it. A `category`
    that the catalogue has narrows the search to it. `vector` is the text's own, of length 1, for
    an index that has vectors. Without `weights` those of the package are used.
    """
    weighed = weights or shipped()
    scenarios = index.catalogue.scenarios
    setting = Setting(index.place(previous), index.within(category))
    looked_at = rows(query, index.look(query, vector), setting)
    shares = weighed.probabilities(looked_at, without=_without(setting, len(looked_at)))
    inside, outside = shares[: len(scenarios)], shares[len(scenarios) :]
    aside = _aside(inside, outside, weighed)
    order = _order(inside, setting)
    confidences = _confidences(inside[order], weighed)
    return Ranked(
        candidates=tuple(
            Candidate(scenarios[n], confidence)
            for n, confidence in zip(order, confidences, strict=True)
        ),
        aside=aside,
        aside_confidence=weighed.aside(float(outside.max())),
        sure=aside is None and bool(order) and confidences[0] >= weighed.sure_from,
    )


def _without(setting: Setting, count: int) -> NDArray[Any] | None:
    if setting.only is None:
        return None
    left_out = np.ones(count, np.bool_)
    left_out[list(setting.only)] = False
    left_out[-len(ASIDES) :] = False
    return left_out


def _aside(scenarios: NDArray[Any], asides: NDArray[Any], weights: Weights) -> Intent | None:
    """An aside that is likelier than every scenario; nothing at all is said only surely."""
    person, out_of_scope = (float(share) for share in asides)
    if person > max(out_of_scope, scenarios.max(initial=0)):
        return "person"
    return "out_of_scope" if out_of_scope >= weights.out_of_scope_from else None


def _order(shares: NDArray[Any], setting: Setting) -> list[int]:
    best = np.argsort(-shares, kind="stable")[:MOST_CANDIDATES].tolist()
    allowed = None if setting.only is None else set(setting.only)
    order = [int(n) for n in best if allowed is None or n in allowed]
    known = setting.previous
    if known is not None and known not in order and (allowed is None or known in allowed):
        order.append(known)
    return order


def _confidences(shares: NDArray[Any], weights: Weights) -> list[float]:
    """The first one's, corrected; of what it leaves, each other's part, never more than its own."""
    if not len(shares):
        return []
    first, second = (*shares.tolist(), 0.0)[:2]
    confidence = weights.answer(first, second)
    others = shares[1:] / max(1 - first, 1e-9) * (1 - confidence)
    return [confidence, *np.minimum(others, confidence).tolist()]
