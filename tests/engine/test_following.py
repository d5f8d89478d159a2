"""Turns of another process whose end will never be read, since they were deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from talkwire.canon.deltas import Text
from talkwire.canon.errors import StorageUnavailable
from talkwire.canon.events import TextDelta, TurnAborted, TurnCompleted
from talkwire.engine.reader import Reader
from tests.engine.fakes import (
    LIMIT_S,
    OWNER,
    FakeSignals,
    ScriptedModel,
    World,
    cut,
    drained,
    says,
    steps,
    until,
)

FOR_EVER = 1000.0


class Pair:
    """Two processes on one storage; the first one's model waits for `go_on`."""

    def __init__(self, *, every_s: float = FOR_EVER) -> None:
        self.go_on = asyncio.Event()
        signals = FakeSignals()
        model = ScriptedModel([[Text("Hel")], self.go_on, *says("lo")])
        self.here = World(model, signals=signals, every_s=every_s)
        self.there = World(records=self.here.records, signals=signals, every_s=every_s)

    async def followed(self) -> tuple[str, Reader]:
        """A turn that has said something, and its reader in the other process."""
        turn_id = await self.here.ask()
        await until(lambda: self.here.model.yielded)
        await until(lambda: len(self.here.records.events[turn_id]) > 2)
        reader = await self.there.turns.read(OWNER, turn_id)
        await until(lambda: self.there.turns._following._all)
        return turn_id, reader

    def delete(self, turn_id: str) -> None:
        """As storage does, for a turn that nobody runs any more."""
        del self.here.records.turns[turn_id], self.here.records.events[turn_id]


async def test_readers_of_a_deleted_turn_see_it_end_by_word() -> None:
    pair = Pair()
    turn_id, reader = await pair.followed()
    other = await pair.there.turns.read(OWNER, turn_id)
    reading = [asyncio.create_task(drained(each)) for each in (reader, other)]
    await until(lambda: pair.there.turns._elsewhere._waiting)

    pair.delete(turn_id)
    pair.there.turns.deleted([turn_id, "t_none"])

    async with asyncio.timeout(LIMIT_S):
        for events in await asyncio.gather(*reading):
            assert [stamped.n for stamped in events] == list(range(len(events)))
            assert events[-2].event == TextDelta("Hel")
            assert events[-1].event == TurnAborted("session")
    for each in (reader, other):
        each.close()
    await until(lambda: not pair.there.turns._following._all)


async def test_where_the_word_gets_lost_storage_tells() -> None:
    pair = Pair(every_s=0.001)
    turn_id, reader = await pair.followed()
    following = pair.there.turns._following
    following._look_every_s = 0.0
    pair.delete(turn_id)
    await pair.there.turns.stop_asked()  # it may have spoken a moment ago
    await steps(20)
    assert not reader.turn_ended

    await pair.there.turns.stop_asked()

    assert (await drained(reader))[-1].event == TurnAborted("session")
    reader.close()
    await until(lambda: not following._all)


async def test_a_node_that_may_have_missed_a_word_asks_at_once() -> None:
    pair = Pair(every_s=0.001)
    turn_id, reader = await pair.followed()
    await pair.there.turns.stop_asked()
    pair.delete(turn_id)

    pair.there.turns.deleted([])
    await pair.there.turns.stop_asked()

    assert (await drained(reader))[-1].event == TurnAborted("session")


async def test_a_turn_that_is_there_is_followed_to_its_own_end() -> None:
    pair = Pair(every_s=0.001)
    _, reader = await pair.followed()
    following = pair.there.turns._following
    following._look_every_s = 0.0

    for _ in range(3):
        await following.look()
    following.deleted(["t_another"])
    pair.go_on.set()
    async with asyncio.timeout(LIMIT_S):
        while not reader.turn_ended:
            await following.look()
            await steps(1)

    assert (await drained(reader))[-1].event == TurnCompleted("stop")


async def test_storage_is_asked_for_silent_ones_at_once_and_not_too_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pair = Pair()
    turn_id, reader = await pair.followed()
    again = await pair.there.turns.read(OWNER, turn_id)
    records, asked = pair.there.records, list[Sequence[str]]()
    fails = [StorageUnavailable("away")]
    ended = records.ended

    async def noting(owner: str, turn_ids: Sequence[str]) -> set[str]:
        asked.append(turn_ids)
        if fails:
            raise fails.pop()
        return await ended(owner, turn_ids)

    monkeypatch.setattr(records, "ended", noting)
    await pair.there.turns.stop_asked()
    assert asked == []
    pair.there.turns._following._next_look = 0.0
    with pytest.raises(StorageUnavailable):
        await pair.there.turns.stop_asked()
    for _ in range(3):
        await pair.there.turns.stop_asked()

    assert asked == [[turn_id]] * 2
    for each in (reader, again):
        each.close()


async def test_a_turn_of_which_nothing_was_read_cuts_its_readers() -> None:
    pair = Pair()
    turn_id = await pair.here.ask()
    events = pair.here.records.events[turn_id]
    pair.here.records.events[turn_id] = []  # it is deleted between two reads
    reader = await pair.there.turns.read(OWNER, turn_id)
    await until(lambda: pair.there.turns._elsewhere._waiting)

    pair.there.turns.deleted([turn_id])

    assert await cut(reader) == []
    pair.here.records.events[turn_id] = events
