"""The few events of a turn that are no piece of text, and the time between those that are.

Looked at once, when the turn has ended: nothing here is paid for with each token.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from operator import sub

from talkwire.canon.events import AudioDelta, ReasoningDelta, Stamped, TextDelta

_DELTAS = frozenset({TextDelta, ReasoningDelta, AudioDelta})


def marks(events: Sequence[Stamped]) -> list[Stamped]:
    """All events but the pieces of text, thinking and speech. `n` tells how many were between."""
    return [stamped for stamped in events if type(stamped.event) not in _DELTAS]


def first_piece(events: Sequence[Stamped], after: int) -> Stamped | None:
    """The piece that comes right behind the event `after`, if one does."""
    following = events[after + 1] if after + 1 < len(events) else None
    return following if following is not None and type(following.event) in _DELTAS else None


def gaps_ms(events: Sequence[Stamped], among: Sequence[Stamped]) -> Counter[int]:
    """How often so many milliseconds have passed from one piece of text to the next, within one
    answer of a model. `among` are the turn's marks. What came in one read is one piece, and has
    the time at which it was taken.
    """
    found: Counter[int] = Counter()
    for before, behind in pairwise(among):
        if behind.n - before.n > 2:
            pieces = events[before.n + 1 : behind.n]
            stamps = [piece.at for piece in pieces if type(piece.event) is not AudioDelta]
            found.update(map(sub, stamps[1:], stamps))
    return found
