"""Which kind of model a message needs, and which model that is now: a sum that explains itself.

Each thing that speaks for the large model, or against it, is a term; the sum is the log-odds that
it is needed. What the models are like just now is weighed in the same unit. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from talkwire.canon.models import Standing
from talkwire.engine.traits import Traits

LOCAL, CLOUD = "local_small", "cloud_large"
_TOLD = 4  # so many terms are named in the reasons
_LONG = 160  # tokens beyond which a message is just long: a paste says little of what is asked
_SHORT = 100  # tokens up to which numbers and clauses tell of a dense question


class Weights(Struct, frozen=True):
    """What a term counts, in log-odds for the large model. Logarithms are natural.

    The upper ones are of the message, learnt from labelled messages; the lower ones are an
    operator's: `sticky` for the kind of model that answered last, `load` for each running request
    (in tens), `latency` for each second to the first token, `errors` for the rate of errors,
    `cost` for each unit of money that a million tokens cost, `budget` once most of a budget is
    spent, `tools` where tools are to be called.
    """

    bias: float = -2.06
    length: float = 0.49
    code_blocks: float = 0.5
    code: float = 0.49
    makes: float = 1.67
    reasons: float = 2.04
    maths: float = 0.47
    limits: float = 0.54
    depth: float = 0.38
    numbers: float = 0.83
    clauses: float = 0.07
    lines: float = 0.11
    chats: float = -0.97
    simple: float = -1.16
    now: float = 1.06
    sticky: float = 0.8
    load: float = 0.2
    latency: float = 0.1
    errors: float = 2.0
    cost: float = 0.01
    budget: float = 2.0
    tools: float = 1.0


class Term(Struct, frozen=True):
    """Something that speaks for the large model (more than 0) or against it."""

    what: str
    weight: float


class Weighed(Struct, frozen=True):
    """A model with its score; the highest answers. `reasons` are for people."""

    name: str
    score: float
    reasons: tuple[str, ...]


class Situation(Struct, frozen=True):
    """What is known beside the message: the kind of model that answered last, whether tools are on
    offer, the tokens that a model has to hold, and how much of a budget is spent (0 … 1).
    """

    last_type: str | None = None
    tools: bool = False
    context_tokens: int = 0
    spent: float = 0.0


def terms(traits: Traits, weights: Weights, *, tools: bool = False) -> list[Term]:
    """What the message itself says of the model that it needs, the weightiest first; `tools`:
    whether it may call some.
    """
    length = math.log1p(max(0, min(traits.tokens, _LONG) - 8) / 16)
    dense = traits.tokens < _SHORT
    found = [
        Term("to begin with", weights.bias),
        Term(f"about {traits.tokens} tokens long", weights.length * length),
        Term("has blocks of code", weights.code_blocks * min(traits.code_blocks, 3)),
        Term("speaks of code", weights.code * min(traits.code, 4)),
        Term("asks to make something", weights.makes * min(traits.makes, 2)),
        Term("asks for reasoning", weights.reasons * min(traits.reasons, 3)),
        Term("has mathematics in it", weights.maths * min(traits.maths, 2)),
        Term("sets conditions", weights.limits * min(traits.limits, 3)),
        Term("is of a field where errors are dear", weights.depth * min(traits.depth, 2)),
        Term("has several numbers in it", weights.numbers * min(traits.numbers, 6) * dense),
        Term("says much in little", weights.clauses * min(traits.clauses, 12) * dense),
        Term("has many lines", weights.lines * traits.lines),
        Term("is small talk", weights.chats * traits.chats),
        Term("asks for something simple", weights.simple * min(traits.simple, 2)),
        Term("asks about what is now", weights.now * min(traits.now, 2)),
        Term("tools are on offer", weights.tools * tools),
    ]
    return sorted((t for t in found if t.weight), key=lambda term: -abs(term.weight))


def need(traits: Traits, weights: Weights, *, tools: bool = False) -> float:
    """How much the message needs the large model, 0 … 1."""
    return 1 / (1 + math.exp(-sum(term.weight for term in terms(traits, weights, tools=tools))))


def weigh(
    traits: Traits,
    situation: Situation,
    standings: Sequence[Standing],
    weights: Weights,
) -> list[Weighed]:
    """The models by how well they suit, the best first. One that is not healthy, or whose context
    is too small, comes last, for the case that there is no other.
    """
    said = terms(traits, weights, tools=situation.tools)
    pull = sum(term.weight for term in said)
    return sorted(
        (_weighed(each, pull, said, situation, weights) for each in standings),
        key=lambda weighed: -weighed.score,
    )


_LAST = 1_000.0  # behind all that can answer


def _weighed(
    standing: Standing,
    pull: float,
    said: Sequence[Term],
    situation: Situation,
    weights: Weights,
) -> Weighed:
    sign = -1.0 if standing.model_type == LOCAL else 1.0
    own = own_terms(standing, situation, weights)
    score = sign * pull / 2 + sum(term.weight for term in own)
    reasons = [_told(term, sign) for term in said[:_TOLD]]
    reasons += [_told(term, 1.0) for term in own]
    if not standing.healthy:
        score -= _LAST
        reasons.append(f"is not healthy: {standing.why or 'it failed of late'}")
    if situation.context_tokens > standing.context_tokens:
        score -= _LAST
        reasons.append(f"holds {standing.context_tokens} tokens only")
    return Weighed(standing.name, round(score, 4), tuple(reasons))


def own_terms(standing: Standing, situation: Situation, weights: Weights) -> list[Term]:
    """What speaks for or against this model, whatever the message says."""
    price = (standing.price_in or 0.0) + (standing.price_out or 0.0)
    latency_s = (standing.latency_ms or 0.0) / 1000
    dear = price > 0 and standing.model_type != LOCAL
    found = [
        Term(
            "has answered in this conversation",
            weights.sticky * (situation.last_type == standing.model_type),
        ),
        Term(f"has {standing.running} requests running", -weights.load * standing.running / 10),
        Term(f"takes {latency_s:.1f} s to its first token", -weights.latency * latency_s),
        Term(f"fails at {standing.error_rate:.0%}", -weights.errors * standing.error_rate),
        Term(f"costs {price:g} a million tokens", -weights.cost * price),
        Term(
            f"{situation.spent:.0%} of the budget is spent",
            -weights.budget * max(0.0, situation.spent - 0.8) / 0.2 * dear,
        ),
    ]
    return [term for term in found if abs(term.weight) >= 0.005]


def _told(term: Term, sign: float) -> str:
    return f"{term.what}: {sign * term.weight:+.2f}"
