"""Turns of other processes: followed, waited for, stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from msgspec import structs

from talkwire.canon.deltas import Text
from talkwire.canon.errors import Fenced, NotFound, StorageUnavailable, Unavailable
from talkwire.canon.events import TERMINAL, TurnAborted
from talkwire.canon.records import TurnRecord, Unfinished
from talkwire.engine.elsewhere import Elsewhere
from tests.engine.fakes import (
    LIMIT_S,
    OWNER,
    FakeSignals,
    ScriptedModel,
    World,
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
        self.signals = FakeSignals()
        model = ScriptedModel([[Text("Hel")], self.go_on, *says("lo")])
        self.here = World(model, signals=self.signals, every_s=every_s)
        self.there = World(records=self.here.records, signals=self.signals, every_s=every_s)

    def stored(self, turn_id: str) -> None:
        """What a journal says after a commit."""
        self.signals.send("stored", [turn_id])


@pytest.mark.parametrize("every_s", [0.001, FOR_EVER])
async def test_a_turn_elsewhere_is_followed_by_word_or_by_looking(every_s: float) -> None:
    pair = Pair(every_s=every_s)
    turn_id = await pair.here.ask()
    reader = await pair.there.turns.read(OWNER, turn_id)
    reading = asyncio.create_task(drained(reader))
    await steps(10)

    pair.go_on.set()
    await until(lambda: pair.here.records.turns[turn_id].ended)
    if every_s == FOR_EVER:
        pair.stored(turn_id)

    async with asyncio.timeout(LIMIT_S):
        events = await reading
    assert isinstance(events[-1].event, TERMINAL)
    assert [stamped.n for stamped in events] == list(range(len(events)))
    reader.close()


async def test_word_that_may_have_been_missed_lets_everyone_look() -> None:
    pair = Pair()
    turn_id = await pair.here.ask()
    waiting = asyncio.create_task(pair.there.turns._elsewhere.over(OWNER, turn_id))
    await steps(10)
    pair.go_on.set()
    await until(lambda: pair.here.records.turns[turn_id].ended)
    assert not waiting.done()

    pair.signals.send("stored", [])

    async with asyncio.timeout(LIMIT_S):
        await waiting


async def test_a_turn_waits_for_the_one_before_it_on_another_node() -> None:
    pair = Pair(every_s=0.001)
    first = await pair.here.ask()
    second = await pair.there.ask("And then?")
    await steps(20)
    assert pair.there.model.requests == []
    assert pair.here.records.turns[second].status == "queued"

    pair.go_on.set()

    await until(lambda: pair.here.records.turns[second].ended)
    assert pair.here.records.turns[first].status == "completed"
    (request,) = pair.there.model.requests
    assert [message.text for message in request.messages] == ["Hi", "Hello", "And then?"]


async def test_an_interrupt_tells_the_node_that_runs_the_turn() -> None:
    pair = Pair(every_s=0.001)
    first = await pair.here.ask()
    await until(lambda: pair.here.model.requests)

    second = await pair.there.ask("Stop that", on_busy="interrupt")
    assert ("stop", [first]) in pair.signals.sent
    await pair.here.turns.stop_asked()

    await until(lambda: pair.here.records.turns[second].ended)
    assert pair.here.records.turns[first].status == "aborted"
    assert pair.here.records.outcomes[first].terminal == TurnAborted("interrupt")


async def test_stopping_waits_for_the_end_but_not_for_ever() -> None:
    pair = Pair()
    turn_id = await pair.here.ask()
    elsewhere = Elsewhere(pair.here.records, pair.here.journal, FakeSignals(), every_s=0.001)

    await elsewhere.stop(OWNER, turn_id, "client", within_s=0.01)

    assert not pair.here.records.turns[turn_id].ended
    assert pair.here.records.stops == {turn_id: "client"}
    with pytest.raises(NotFound):
        await elsewhere.stop("mallory", turn_id, "client")


async def test_a_wait_bears_storage_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Pair(every_s=0.001)
    turn_id = await pair.here.ask()
    fails = [StorageUnavailable("away")] * 3
    ended = pair.here.records.ended

    async def shaky(owner: str, turn_ids: Sequence[str]) -> set[str]:
        if fails:
            raise fails.pop()
        return await ended(owner, turn_ids)

    monkeypatch.setattr(pair.here.records, "ended", shaky)
    pair.go_on.set()

    async with asyncio.timeout(LIMIT_S):
        await pair.there.turns._elsewhere.over(OWNER, turn_id)
    assert not fails


async def test_a_queued_turn_that_is_taken_over_still_waits_for_its_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pair = Pair(every_s=0.001)
    first = await pair.here.ask()
    dead = World(records=pair.here.records, every_s=FOR_EVER)
    second = await dead.ask("And then?")
    await dead.turns.drain(0)
    left = Unfinished(
        structs.replace(pair.here.records.turns[second], status="queued"),
        tuple(pair.here.records.events[second]),
        (first,),
    )

    async def unfinished() -> list[Unfinished]:
        return [left]

    monkeypatch.setattr(pair.here.records, "unfinished", unfinished)
    assert await pair.there.turns.adopt() == 1
    await steps(20)
    assert pair.there.model.requests == []

    pair.go_on.set()

    await until(lambda: pair.here.records.turns[second].ended)
    assert pair.here.records.turns[first].status == "completed"


async def test_nothing_is_kept_for_those_who_have_stopped_waiting() -> None:
    pair = Pair(every_s=0.001)
    turn_id = await pair.here.ask()
    elsewhere = pair.there.turns._elsewhere
    waiting = asyncio.create_task(elsewhere.over(OWNER, turn_id))
    await steps(10)
    waiting.cancel()
    await asyncio.wait([waiting])

    assert elsewhere._waiting == {}


async def test_a_process_that_is_fenced_gives_its_turns_up_at_once() -> None:
    pair = Pair()
    turn_id = await pair.here.ask()
    await until(lambda: pair.here.model.requests)
    live = pair.here.live(turn_id)

    pair.here.turns.give_up(Fenced("gone"))

    await until(lambda: live.over.is_set())
    assert not pair.here.records.turns[turn_id].ended
    await until(lambda: pair.here.turns.running == 0)
    assert not pair.here.turns.orphaned


async def test_an_abort_at_a_process_that_has_lost_the_turn_reaches_who_has_it() -> None:
    pair = Pair(every_s=0.001)
    turn_id = await pair.here.ask()
    await until(lambda: pair.here.model.requests)
    pair.here.journal.lose(Fenced("gone"))

    aborting = asyncio.create_task(pair.here.turns.abort(OWNER, turn_id))

    await until(lambda: pair.here.records.stops)
    assert ("stop", [turn_id]) in pair.signals.sent
    assert not aborting.done()
    record = pair.here.records.turns[turn_id]
    pair.here.records.turns[turn_id] = structs.replace(record, status="aborted")
    assert (await aborting).status == "aborted"


@pytest.mark.parametrize("comes_back", [True, False])
async def test_a_stop_waits_until_a_process_that_was_taken_over_is_back(
    monkeypatch: pytest.MonkeyPatch, comes_back: bool
) -> None:
    pair = Pair()
    turn_id = await pair.here.ask()
    elsewhere = Elsewhere(pair.here.records, pair.here.journal, FakeSignals(), every_s=0.001)
    stop = pair.here.records.stop
    tries = 0

    async def fenced(owner: str, turn_id: str, by: str) -> TurnRecord:
        nonlocal tries
        tries += 1
        if comes_back and tries > 3:
            return structs.replace(await stop(owner, turn_id, by), status="aborted")
        raise Fenced("gone")

    monkeypatch.setattr(pair.here.records, "stop", fenced)

    if comes_back:
        await elsewhere.stop(OWNER, turn_id, "client", within_s=LIMIT_S)
        assert pair.here.records.stops == {turn_id: "client"}
    else:
        with pytest.raises(Unavailable):
            await elsewhere.stop(OWNER, turn_id, "client", within_s=0.01)
