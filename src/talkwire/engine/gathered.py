"""Reads of the journal that gather: all that are asked for at about the same time are one query.

A node that follows hundreds of turns of others hears of news of all of them all the time; a query
for each would cost more than everything else that a follower does.
"""

from __future__ import annotations

import asyncio

from talkwire.canon.events import Stamped
from talkwire.engine.storage_ports import Journal

GATHER_S = 0.01
_MOST_TURNS = 500  # of one query

Want = tuple[str, int, "asyncio.Future[list[Stamped]]"]


class Gathered:
    """Reads of one journal, one query at a time."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._wants: list[Want] = []
        self._reading: asyncio.Task[None] | None = None

    async def read(self, turn_id: str, start: int) -> list[Stamped]:
        """As `Journal.read`, up to `GATHER_S` later."""
        future: asyncio.Future[list[Stamped]] = asyncio.get_running_loop().create_future()
        self._wants.append((turn_id, start, future))
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_on())
        return await future

    async def _read_on(self) -> None:
        try:
            while self._wants:
                await asyncio.sleep(GATHER_S)
                wants, self._wants = self._wants[:_MOST_TURNS], self._wants[_MOST_TURNS:]
                await self._answer([want for want in wants if not want[2].done()])
        finally:
            self._reading = None

    async def _answer(self, wants: list[Want]) -> None:
        starts: dict[str, int] = {}
        for turn_id, start, _ in wants:
            starts[turn_id] = min(start, starts.get(turn_id, start))
        try:
            found = await self._journal.read_many(starts) if starts else {}
        except Exception as error:  # each of those who asked has to hear of it
            for _, _, future in wants:
                if not future.done():
                    future.set_exception(error)
            return
        for turn_id, start, future in wants:
            if not future.done():
                future.set_result([stamped for stamped in found[turn_id] if stamped.n >= start])
