"""What a ranking learns from: labelled texts, and what is made up of them for conversations."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from numpy.typing import NDArray

from talkwire.scenarios.features import Setting, rows
from talkwire.scenarios.labelled import Row
from talkwire.scenarios.rank import rank
from talkwire.scenarios.retrieve import Index, Sight
from talkwire.scenarios.units import ASIDES
from talkwire.scenarios.weighing import BY_HAND

FOLDS = 5

# In a conversation about as many messages stay in its scenario as leave it, and there are few
# labelled follow-ups: each counts for several, a change of topic that was made up for half a text.
FOLLOW_UP = 4.0
CHANGE = 0.5

# Say nothing alone, and are no new topic wherever they are said.
BARE = (
    *(
        "为什么",
        "怎么会这样",
        "然后呢",
        "什么意思",
        "没看懂",
        "再说一遍",
        "真的吗",
        "还是不行",
        "知道了",
    ),
    *("好的", "嗯嗯", "可以", "不对", "是的", "那怎么办", "具体怎么弄", "还有吗", "多久", "要钱吗"),
    *("why", "how come", "and then", "what do you mean", "I don't understand", "say that again"),
    *("ok", "okay got it", "yes please", "no", "are you sure", "what now", "still the same", "how"),
    *("anything else", "how long", "how much is it"),
)
_BARE_WEIGHT = 0.2
_BARE_PLACES = 3

Embedded = Mapping[str, NDArray[Any]]
"""Vectors of length 1 by text."""


class Case(Struct, frozen=True):
    """A text to learn from: its rows, the number of the right one, how much it counts, and the
    fold it is held out with. `natural` if it was labelled so, and not made up.
    """

    rows: NDArray[Any]
    right: int
    weight: float
    fold: int
    natural: bool


def cases(
    index: Index, labelled: Sequence[Row], embedded: Embedded | None = None
) -> Iterator[Case]:
    """The cases of labelled texts, each text's together.

    :raises ValueError: a scenario that the catalogue does not have.
    """
    making = _Making(index, embedded or {})
    for row in labelled:
        yield from making.of(row)
    for text in BARE:
        yield from making.bare(text)


def number_of(text: str, purpose: str) -> int:
    """A number that stands for a text, the same everywhere."""
    return int.from_bytes(hashlib.sha256(f"{purpose}\n{text}".encode()).digest()[:6], "big")


class _Making:
    def __init__(self, index: Index, embedded: Embedded) -> None:
        self._index = index
        self._embedded = embedded
        self._count = len(index.catalogue.scenarios)

    def of(self, row: Row) -> Iterator[Case]:
        """The text as it was written; and again in a conversation about something else, so that
        switching is learned.
        """
        right = self._right(row)
        sight = self._index.look(row.text, self._embedded.get(row.text))
        if row.kind == "followup":
            yield self._case(row.text, sight, self._before(row), right, FOLLOW_UP, natural=True)
            return
        yield self._case(row.text, sight, None, right, 1.0, natural=True)
        other = (right + 1 + number_of(row.text, "other") % max(self._count - 1, 1)) % self._count
        yield self._case(row.text, sight, other, right, CHANGE)

    def bare(self, text: str) -> Iterator[Case]:
        sight = self._index.look(text, self._embedded.get(text))
        for place in range(_BARE_PLACES):
            previous = number_of(text, f"{place}") % self._count
            yield self._case(text, sight, previous, previous, _BARE_WEIGHT)

    def _right(self, row: Row) -> int:
        if not row.in_scope:
            return self._count + ASIDES.index("person" if row.kind == "person" else "out_of_scope")
        place = self._index.place(row.key)
        if place is None:
            raise ValueError(f"{row.id}: the catalogue has no {' › '.join(row.key)}")
        return place

    def _before(self, row: Row) -> int | None:
        vector = self._embedded.get(row.previous)
        ranked = rank(row.previous, self._index, vector=vector, weights=BY_HAND)
        return self._index.place(ranked.candidates[0].scenario.key)

    def _case(
        self,
        text: str,
        sight: Sight,
        previous: int | None,
        right: int,
        weight: float,
        *,
        natural: bool = False,
    ) -> Case:
        made = rows(text, sight, Setting(previous))
        return Case(made, right, weight, number_of(text, "fold") % FOLDS, natural)
