"""A journal that keeps running turns in memory: fast, and gone with the process.

Ends are stored by what it is given: a turn that has ended survives, a running one does not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from talkwire.canon.errors import TalkwireError
from talkwire.canon.events import Stamped
from talkwire.canon.records import Outcome


class Tail(Protocol):
    """Who is told of a turn's commits."""

    def committed(self, until: int) -> None: ...
    def lost(self, error: TalkwireError) -> None: ...


class MemoryJournal:
    """`outcomes` stores an end; `held` reads what storage holds of a turn, from an event on."""

    def __init__(
        self,
        outcomes: Callable[[Outcome], Awaitable[object]],
        held: Callable[[str, int], Awaitable[list[Stamped]]],
    ) -> None:
        self._outcomes = outcomes
        self._held = held
        self._tails: dict[str, Tail] = {}
        self._events: dict[str, list[Stamped]] = {}

    def attach(self, turn_id: str, tail: Tail) -> None:
        """Begin to write a turn of this process."""
        self._tails[turn_id] = tail
        self._events[turn_id] = []

    def detach(self, turn_id: str) -> None:
        """Forget the turn's events; what was stored at its end stays."""
        self._tails.pop(turn_id, None)
        self._events.pop(turn_id, None)

    def append(self, turn_id: str, batch: Sequence[Stamped]) -> None:
        """Take events; the tail is told before this returns."""
        tail = self._tails.get(turn_id)
        if tail is not None and batch:
            self._events[turn_id] += batch
            tail.committed(batch[-1].n + 1)

    async def finish(self, outcome: Outcome) -> None:
        """Store the end; see the port."""
        await self._outcomes(outcome)
        tail = self._tails.get(outcome.turn_id)
        if tail is not None:
            self._events[outcome.turn_id] = list(outcome.log)
            tail.committed(len(outcome.log))

    async def read(self, turn_id: str, start: int) -> list[Stamped]:
        """Events from `start` on, as far as they are held here or in storage."""
        mine = self._events.get(turn_id, [])
        if mine and mine[0].n <= start:
            return mine[start - mine[0].n :]
        return _joined(await self._held(turn_id, start), self._events.get(turn_id, []))

    async def read_many(self, wanted: Mapping[str, int]) -> dict[str, list[Stamped]]:
        """As `read`, one after the other."""
        return {turn_id: await self.read(turn_id, start) for turn_id, start in wanted.items()}


def _joined(stored: list[Stamped], mine: list[Stamped]) -> list[Stamped]:
    """What storage holds, then what memory holds beyond it; a gap between them is not crossed."""
    if not stored:
        return []
    after = stored[-1].n + 1
    if not mine or mine[0].n > after:
        return stored
    return stored + mine[after - mine[0].n :]
