"""Sessions are forgotten everywhere, whatever runs in them and whoever looks on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from talkwire.canon.deltas import Text
from talkwire.canon.errors import Busy, NotFound, StorageUnavailable
from talkwire.canon.events import TurnAborted
from talkwire.canon.sessions import Deleted
from talkwire.engine.forgetting import Forgetting
from talkwire.engine.policy import Policy
from tests.engine.fakes import (
    LIMIT_S,
    OWNER,
    Act,
    FakeSignals,
    ScriptedModel,
    World,
    drained,
    says,
    until,
)
from tests.engine.storage import FakeRecords


class Deleting:
    """What storage deletes, of the fakes; `before` is called before each deletion."""

    def __init__(self, records: FakeRecords) -> None:
        self.records = records
        self.asked = 0
        self.before: Callable[[], Any] = lambda: None

    async def delete(self, owner: str, session_id: str) -> list[str]:
        self.asked += 1
        if (waits := self.before()) is not None:
            await waits
        records = self.records
        mine = [t for t in records.turns.values() if (t.owner, t.session_id) == (owner, session_id)]
        for turn in mine:
            if not turn.ended:
                raise Busy("busy", turn_id=turn.turn_id)
        if records.owners.get(session_id) != owner:
            raise NotFound("no such session")
        for turn in mine:
            del records.turns[turn.turn_id], records.events[turn.turn_id]
        del records.owners[session_id]
        records.leaves.pop(session_id, None)
        return [turn.turn_id for turn in mine]

    async def delete_many(self, owner: str, session_ids: Sequence[str]) -> Deleted:
        turn_ids: list[str] = []
        gone, busy = set(), set()
        for each in session_ids:
            try:
                turn_ids += await self.delete(owner, each)
                gone.add(each)
            except Busy:
                busy.add(each)
            except NotFound:
                continue
        return Deleted(tuple(turn_ids), frozenset(gone), frozenset(busy))


class Copies:
    """What is kept beside the database."""

    def __init__(self) -> None:
        self.forgotten: list[tuple[str, str]] = []

    async def forget(self, owner: str, session_id: str) -> None:
        self.forgotten.append((owner, session_id))


class Place:
    """A process, or two on one storage. `word` False: what they tell each other gets lost."""

    def __init__(self, *answer: Act, word: bool = True) -> None:
        signals = FakeSignals()
        self.here = World(ScriptedModel([*answer] or says("Hello")), signals=signals)
        self.records = self.here.records
        other = signals if word else FakeSignals()
        self.there = World(self.here.model, records=self.records, signals=other)
        self.copies = Copies()
        self.deleting = Deleting(self.records)
        self.forgetting = Forgetting(
            self.here.turns, self.deleting, signals=signals, histories=self.copies
        )
        Forgetting(self.there.turns, self.deleting, signals=other)

    async def forget(self, session_id: str = "s_1", owner: str = OWNER) -> None:
        async with asyncio.timeout(LIMIT_S):
            await self.forgetting.forget(owner, session_id)


def slowly() -> list[Act]:
    """An answer that does not end by itself."""
    return [[Text("Hel")], asyncio.Event()]


async def is_gone(world: World, turn_id: str) -> bool:
    """For all who ask of the turn."""
    turns = world.turns
    for ask in (turns.record, turns.read, turns.request, turns.abort):
        with pytest.raises(NotFound):
            await ask(OWNER, turn_id)
    return world.turns._board.find(turn_id) is None


async def test_what_runs_and_waits_is_stopped_and_its_readers_see_the_end() -> None:
    place = Place(*slowly())
    turn_ids = [await place.here.ask(text) for text in ("one", "two", "three")]
    readers = [await place.here.turns.read(OWNER, turn_id) for turn_id in turn_ids]
    await until(lambda: place.here.model.yielded)

    await place.forget()

    for reader in readers:
        assert (await drained(reader))[-1].event == TurnAborted("session")
    assert [request.messages[-1].text for request in place.here.model.requests] == ["one"]
    assert (place.records.turns, place.deleting.asked) == ({}, 1)
    assert place.copies.forgotten == [(OWNER, "s_1")]
    for turn_id in turn_ids:
        assert await is_gone(place.here, turn_id)
    assert len(place.here.turns._board._recent) == 0


async def test_other_sessions_go_on_and_stay() -> None:
    place = Place(*slowly())
    kept = await place.here.ask(session="s_2")
    gone = await place.here.ask(session="s_1")
    await until(lambda: place.here.model.yielded == 2)

    await place.forget()

    assert await is_gone(place.here, gone)
    assert not place.records.turns[kept].ended
    assert place.here.turns._board.find(kept) is not None


async def test_turns_of_other_nodes_are_stopped_too() -> None:
    place = Place(*slowly())
    turn_id = await place.there.ask()
    reader = await place.there.turns.read(OWNER, turn_id)
    await until(lambda: place.there.model.yielded)
    forgetting = asyncio.create_task(place.forget())
    await until(lambda: place.records.stops)
    assert place.records.stops == {turn_id: "session"}

    await place.there.turns.stop_asked()
    await forgetting

    assert (await drained(reader))[-1].event == TurnAborted("session")
    assert await is_gone(place.there, turn_id)
    assert await is_gone(place.here, turn_id)


async def test_other_nodes_let_go_of_what_they_keep_by_word() -> None:
    place = Place()
    turn_id = await place.there.ask()
    await place.there.events(turn_id)
    await until(lambda: place.there.turns._board._recent)

    await place.forget()

    assert ("deleted", [turn_id]) in place.there.signals.sent
    assert len(place.there.turns._board) == len(place.there.turns._board._recent) == 0


async def test_what_is_kept_is_shown_no_more_where_the_word_got_lost() -> None:
    place = Place(word=False)
    turn_id = await place.there.ask()
    await place.there.events(turn_id)
    await until(lambda: place.there.turns._board._recent)
    await place.forget()
    assert place.there.turns._board.find(turn_id) is not None

    with pytest.raises(NotFound):
        await place.there.turns.read(OWNER, turn_id)

    assert await is_gone(place.there, turn_id)
    assert len(place.there.turns._board._recent) == 0


async def test_a_running_turn_is_read_without_asking_storage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = Place(*slowly())
    turn_id = await place.here.ask()

    async def never(owner: str, turn_id: str) -> Any:
        raise AssertionError("storage was asked")

    monkeypatch.setattr(place.records, "turn", never)
    (await place.here.turns.read(OWNER, turn_id)).close()


async def test_a_turn_that_begins_in_between_is_stopped_as_well() -> None:
    place = Place(*slowly())
    first = await place.here.ask()
    later: list[str] = []

    async def begin() -> None:
        if not later:
            later.append(await place.here.ask("me too"))

    place.deleting.before = begin
    await place.forget()

    assert place.deleting.asked == 2
    assert await is_gone(place.here, first)
    assert await is_gone(place.here, later[0])


async def test_who_begins_again_and_again_is_busy() -> None:
    place = Place(*slowly())
    await place.here.ask()
    place.deleting.before = place.here.ask

    with pytest.raises(Busy):
        await place.forget()

    assert place.deleting.asked == 3
    assert place.copies.forgotten == [(OWNER, "s_1")]
    assert not any(topic == "deleted" for topic, _ in place.here.signals.sent)


async def test_the_same_session_begins_afresh() -> None:
    place = Place()
    await place.here.events(await place.here.ask("one"))
    await place.forget()

    await place.here.events(await place.here.ask("two"))

    assert [message.text for message in place.here.model.requests[-1].messages] == ["two"]


async def test_what_is_anothers_or_unknown_is_not_found_and_nothing_stops() -> None:
    place = Place(*slowly())
    turn_id = await place.here.ask()

    with pytest.raises(NotFound):
        await place.forget(owner="mallory")
    with pytest.raises(NotFound):
        await place.forget("s_none")

    assert not place.records.turns[turn_id].ended
    assert place.records.stops == {}


async def test_of_two_who_forget_one_is_told_so() -> None:
    place = Place(*slowly())
    turn_id = await place.here.ask()
    await until(lambda: place.here.model.yielded)

    both = await asyncio.gather(place.forget(), place.forget(), return_exceptions=True)

    assert [type(each) for each in both] == [type(None), NotFound]
    assert await is_gone(place.here, turn_id)


async def test_storage_that_is_away_deletes_nothing_and_is_told() -> None:
    place = Place()
    turn_id = await place.here.ask()
    await place.here.events(turn_id)

    def away() -> None:
        raise StorageUnavailable("away")

    place.deleting.before = away
    with pytest.raises(StorageUnavailable):
        await place.forget()

    assert (await place.here.turns.record(OWNER, turn_id)).status == "completed"


async def test_a_turn_whose_end_is_just_stored_is_kept_by_nobody() -> None:
    """Another node may delete it before this one's task is over."""
    world = World(ScriptedModel(says("Hello")), policy=Policy(keep_ended=5))
    turn_id = await world.ask()
    live = world.live(turn_id)
    await until(lambda: live.log.ended)
    assert live not in world.turns._board._recent

    world.turns.deleted([turn_id])
    await until(lambda: world.turns.running == 0)

    assert len(world.turns._board) == len(world.turns._board._recent) == 0


async def test_many_are_forgotten_at_once_those_that_answer_too() -> None:
    place = Place(*slowly())
    running = await place.here.ask(session="s_1")
    waiting = await place.here.ask("and then?", session="s_1")
    other = await place.here.ask(session="s_2")
    kept = await place.here.ask(session="s_3")
    await until(lambda: place.here.model.yielded == 3)

    async with asyncio.timeout(LIMIT_S):
        told = await place.forgetting.forget_many(OWNER, ["s_2", "none", "s_1", "s_2"])

    assert list(told) == ["s_2", "none", "s_1"]
    assert (told["s_1"], told["s_2"]) == (None, None)
    assert isinstance(told["none"], NotFound)
    for turn_id in (running, waiting, other):
        assert await is_gone(place.here, turn_id)
    assert not place.records.turns[kept].ended
    assert {each for _, each in place.copies.forgotten} == {"s_1", "s_2", "none"}


async def test_many_that_are_at_rest_are_one_transaction() -> None:
    place = Place()
    turn_ids = [await place.here.ask(session=f"s_{n}") for n in range(3)]
    for turn_id in turn_ids:
        await place.here.events(turn_id)

    told = await place.forgetting.forget_many(OWNER, [f"s_{n}" for n in range(3)])

    assert set(told.values()) == {None}
    assert ("deleted", tuple(turn_ids)) in [(t, tuple(i)) for t, i in place.here.signals.sent]
    assert [await is_gone(place.here, turn_id) for turn_id in turn_ids] == [True] * 3


async def test_one_of_many_that_would_not_end_is_told() -> None:
    place = Place(*slowly())
    await place.here.ask(session="s_1")
    await until(lambda: place.here.model.yielded)

    async def begin() -> None:
        await place.here.ask("more", session="s_1")

    place.deleting.before = begin
    told = await place.forgetting.forget_many(OWNER, ["s_1"])

    assert isinstance(told["s_1"], Busy)
