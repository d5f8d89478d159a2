"""Turns that another process runs: followed, waited for and stopped through storage.

Signals make it quick; without them, or when they get lost, storage is asked every `every_s`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic

from talkwire.canon.errors import Fenced, StorageUnavailable, Unavailable
from talkwire.canon.records import TurnRecord
from talkwire.engine.gathered import Gathered
from talkwire.engine.reader import Log
from talkwire.engine.storage_ports import Journal, Records, Signals


class Elsewhere:
    """The other processes, as far as this one can see them. Times in seconds."""

    def __init__(
        self, records: Records, journal: Journal, signals: Signals, *, every_s: float = 0.5
    ) -> None:
        self._records = records
        self._signals = signals
        self._every_s = every_s
        self._gathered = Gathered(journal)
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}
        signals.hear("stored", self.stored)

    def stored(self, turn_ids: Sequence[str]) -> None:
        """Something of these turns was stored; of any turn, where none is named."""
        for turn_id in turn_ids or list(self._waiting):
            for waiter in self._waiting.pop(turn_id, ()):
                if not waiter.done():
                    waiter.set_result(None)

    async def follow(self, turn_id: str, log: Log, *, until: Callable[[], bool]) -> None:
        """Feed a log from the journal while it has readers, until the turn has ended.

        The log is cut when the turn has not ended by then.
        """
        try:
            while log.readers and not log.ended and not until():
                with suppress(StorageUnavailable):
                    log.events.extend(await self._gathered.read(turn_id, len(log.events)))
                log.show(len(log.events))
                if not log.ended:
                    await self._news(turn_id)
        finally:
            if not log.ended:
                log.cut()

    async def stop(self, owner: str, turn_id: str, by: str, *, within_s: float = 5.0) -> None:
        """Have a turn stopped, and wait for its end, `within_s` at most.

        Who runs it stops it within a second; a turn of a process that has died is stopped when
        another one has taken it over.

        :raises NotFound: unknown, or another's.
        :raises Unavailable: this process was taken over, and is not back in time.
        """
        record = await self._remember_stop(owner, turn_id, by, within_s)
        if not record.ended:
            self.tell_stop([turn_id])
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await self.over(owner, turn_id)

    def tell_stop(self, turn_ids: Sequence[str]) -> None:
        """Hurry whoever runs these turns to look at what is to stop."""
        if turn_ids:
            self._signals.send("stop", turn_ids)

    async def _remember_stop(
        self, owner: str, turn_id: str, by: str, within_s: float
    ) -> TurnRecord:
        give_up_at = monotonic() + within_s
        while True:
            try:
                return await self._records.stop(owner, turn_id, by)
            except Fenced:  # it comes back as a new node, and may write again
                if monotonic() >= give_up_at:
                    raise Unavailable("The turn is moving to another server.") from None
                await asyncio.sleep(self._every_s)

    async def over(self, owner: str, turn_id: str) -> None:
        """Wait until a turn has ended; one that is unknown has."""
        while True:
            with suppress(StorageUnavailable):
                if await self._records.ended(owner, [turn_id]):
                    return
            await self._news(turn_id)

    async def _news(self, turn_id: str) -> None:
        """Wait for word of a turn, or for the time to look without."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(turn_id, set())
        waiting.add(waiter)
        try:
            async with asyncio.timeout(self._every_s):
                await waiter
        except TimeoutError:
            pass
        finally:
            waiting.discard(waiter)
            if not waiting and self._waiting.get(turn_id) is waiting:
                del self._waiting[turn_id]
