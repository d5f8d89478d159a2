"""Turns of other processes as they are read here: to their end, or until they are deleted.

A turn that was deleted has no events any more, and a reader that had not seen its end would wait
for ever. Word of a deletion is quick and may get lost, so storage is asked now and then as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

from talkwire.canon.errors import NotFound
from talkwire.canon.events import Stamped, TurnAborted
from talkwire.engine.elsewhere import Elsewhere
from talkwire.engine.live import now_ms
from talkwire.engine.reader import Log
from talkwire.engine.storage_ports import Records

DELETED_BY = "session"
"""By whom a turn was aborted whose session is deleted."""


@dataclass(eq=False)
class _Followed:
    turn_id: str
    owner: str
    log: Log
    seen: int = -1  # how many events there were when it was looked at last
    deleted: bool = False

    @property
    def silent(self) -> bool:
        return self.seen == len(self.log.events)


class Following:
    """The turns that are followed here. `look` asks storage for those of them that were silent
    since the look before it, every `look_every_s` at most."""

    def __init__(
        self, records: Records, elsewhere: Elsewhere, *, look_every_s: float = 2.5
    ) -> None:
        self._records = records
        self._elsewhere = elsewhere
        self._look_every_s = look_every_s
        self._next_look = 0.0
        self._all: set[_Followed] = set()

    async def follow(
        self, owner: str, turn_id: str, log: Log, *, until: Callable[[], bool]
    ) -> None:
        """As `Elsewhere.follow`, but where the turn is deleted its readers are told an end.

        It is the one event that no journal holds: of this turn there is nothing left that could.
        """
        followed = _Followed(turn_id, owner, log)

        def is_over() -> bool:
            # Asked between two reads of the journal: nothing is on its way that could come behind.
            if followed.deleted and log.events:
                log.events.append(Stamped(len(log.events), now_ms(), TurnAborted(DELETED_BY)))
                log.show(len(log.events))
            return followed.deleted or until()

        self._all.add(followed)
        try:
            await self._elsewhere.follow(turn_id, log, until=is_over)
        finally:
            self._all.discard(followed)

    def deleted(self, turn_ids: Sequence[str]) -> None:
        """These turns are deleted; with none named, any may be."""
        if not turn_ids:
            self._next_look = 0.0
            for followed in self._all:
                followed.seen = len(followed.log.events)
        named = set(turn_ids)
        gone = [each for each in self._all if each.turn_id in named]
        for followed in gone:
            followed.deleted = True
        if gone:
            self._elsewhere.stored([followed.turn_id for followed in gone])

    async def look(self) -> None:
        """Ask storage for what is followed and silent, if it is time. Call it often.

        :raises StorageUnavailable: it could not be asked; it will be the next time.
        """
        if not self._all or monotonic() < self._next_look:
            return
        asked: dict[str, set[str]] = defaultdict(set)
        for followed in self._all:
            if followed.silent:
                asked[followed.owner].add(followed.turn_id)
            followed.seen = len(followed.log.events)
        for owner, turn_ids in asked.items():
            # What has ended is mostly there, and its follower about to see its end.
            for turn_id in await self._records.ended(owner, sorted(turn_ids)):
                if not await self._is_there(owner, turn_id):
                    self.deleted([turn_id])
        self._next_look = monotonic() + self._look_every_s

    async def _is_there(self, owner: str, turn_id: str) -> bool:
        with suppress(NotFound):
            await self._records.turn(owner, turn_id)
            return True
        return False
