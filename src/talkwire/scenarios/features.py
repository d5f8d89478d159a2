"""What a ranking looks at: a row of numbers for each entry that a text may be about.

The ranking compares rows with one another, so a number that is the same in all rows says nothing;
what a whole text is like stands only in the rows of the asides, and of the conversation's scenario.
"""

from __future__ import annotations

import math
import re

import numpy as np
from msgspec import Struct

from talkwire.scenarios.people import asks_for_person
from talkwire.scenarios.retrieve import KINDS, Sight
from talkwire.scenarios.units import ASIDES
from talkwire.scenarios.voices import Floats

NAMES: tuple[str, ...] = (
    *(f"likelihood_{kind}" for kind in KINDS),
    *(f"best_{kind}" for kind in KINDS),
    *(f"several_{kind}" for kind in KINDS),
    "procedure",
    "vector",
    *(
        f"previous{more}"
        for more in (
            "",
            "_leans",
            "_refers",
            "_short",
            "_covered",
            "_ideas",
            "_telling",
            "_torn",
            "_vector",
        )
    ),
    *(
        f"{aside}{more}"
        for aside in ASIDES
        for more in ("", "_likelihood", "_best", "_covered", "_ideas", "_short", "_followed")
    ),
    "person_asked",
    "out_of_scope_leans",
)
"""The columns of a row, in order."""

_AT = {name: column for column, name in enumerate(NAMES)}
_LONG_WORDS = 12
_LEANS = re.compile(
    r"(?i)^\W*(?:那|然后|还有|另外|如果|要是|万一|这样|可是|但是|不过|所以|好的?[,，]|行[,，]|嗯|哦|再问"
    r"|(?:and|so|but|then|ok|okay|also|what (?:if|about)|how about|in that case|if so)\b)"
    r"|呢\W*$"
)
_REFERS = re.compile(
    r"(?i)这个|那个|这些|它|这边|上面|刚才|之后|以后"
    r"|\b(?:it|that|this|they|them|those|these|there|one|afterwards?)\b"
)


class Setting(Struct, frozen=True):
    """Beside the text itself: the entry of the conversation's scenario, if any, and which
    scenarios are meant to be looked at (all, if None).
    """

    previous: int | None = None
    only: tuple[int, ...] | None = None


def rows(text: str, sight: Sight, setting: Setting) -> Floats:
    """One row of `NAMES` for each entry."""
    count = len(sight.procedure)
    scenarios = count - len(ASIDES)
    made = np.zeros((count, len(NAMES)), np.float32)
    for kind in KINDS:
        made[:, _AT[f"likelihood_{kind}"]] = sight.likelihood[kind]
        made[:, _AT[f"best_{kind}"]] = sight.best[kind]
        made[:, _AT[f"several_{kind}"]] = sight.several[kind]
    made[:, _AT["procedure"]] = sight.procedure
    if sight.vector is not None:
        made[:, _AT["vector"]] = sight.vector
    looked = slice(scenarios) if setting.only is None else list(setting.only)
    whole = _Whole(text, sight, looked)
    if setting.previous is not None:
        for more, value in whole.of_previous().items():
            made[setting.previous, _AT[f"previous{more}"]] = value
    for row, aside in enumerate(ASIDES, scenarios):
        told = whole.of_aside(row, followed=setting.previous is not None)
        for more, value in told.items():
            made[row, _AT[f"{aside}{more}"]] = value
    made[scenarios, _AT["person_asked"]] = asks_for_person(text)
    made[scenarios + 1, _AT["out_of_scope_leans"]] = whole.leans * (setting.previous is not None)
    return made


class _Whole:
    """What a text is like beside all that it might be about."""

    def __init__(self, text: str, sight: Sight, looked: slice | list[int]) -> None:
        self._sight = sight
        self.leans = float(_LEANS.search(text) is not None)
        self._refers = float(_REFERS.search(text) is not None)
        self._short = 1 - math.log1p(min(sight.words, _LONG_WORDS)) / math.log1p(_LONG_WORDS)
        self._covered = _most(sight.several["words"][looked])
        self._ideas = _most(sight.several["ideas"][looked])
        self._best = sum(_most(sight.best[kind][looked]) for kind in KINDS)
        likelihoods = np.sort(_likelihood(sight)[looked])[-2:]
        self._likelihood = float(likelihoods[-1]) if len(likelihoods) else 0.0
        self._torn = float(likelihoods[-1] - likelihoods[0]) if len(likelihoods) else 0.0
        self._vector = 0.0 if sight.vector is None else _most(sight.vector[looked])

    def of_previous(self) -> dict[str, float]:
        return {
            "": 1.0,
            "_leans": self.leans,
            "_refers": self._refers,
            "_short": self._short,
            "_covered": self._covered,
            "_ideas": self._ideas,
            "_telling": self._sight.telling,
            "_torn": self._torn,
            "_vector": self._vector,
        }

    def of_aside(self, row: int, *, followed: bool) -> dict[str, float]:
        return {
            "": 1.0,
            "_likelihood": float(_likelihood(self._sight)[row]) - self._likelihood,
            "_best": float(sum(self._sight.best[kind][row] for kind in KINDS)) - self._best,
            "_covered": self._covered,
            "_ideas": self._ideas,
            "_short": self._short,
            "_followed": float(followed),
        }


def _likelihood(sight: Sight) -> Floats:
    whole: Floats = np.sum([sight.likelihood[kind] for kind in KINDS], axis=0, dtype=np.float32)
    return whole


def _most(scores: Floats) -> float:
    return float(scores.max(initial=0))
