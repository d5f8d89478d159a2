from __future__ import annotations

import asyncio

import pytest

from talkwire.canon.errors import Fenced, StorageUnavailable, TalkwireError
from talkwire.canon.events import (
    AnyEvent,
    ReasoningDelta,
    RouteChosen,
    Stamped,
    TextDelta,
    TurnStarted,
)
from talkwire.canon.fold import TurnState
from talkwire.canon.turn import TurnRequest
from talkwire.engine.live import LiveTurn
from talkwire.engine.reader import Reader
from tests.engine.fakes import steps
from tests.engine.storage import FakeJournal, FakeRecords

FIRST = Stamped(0, 1, TurnStarted("t", "s", "native", TurnRequest("s", "native")))


class Stage:
    """A live turn on a journal that commits when the test says so."""

    def __init__(self) -> None:
        self.records = FakeRecords()
        self.records.events["t"] = [FIRST]
        self.journal = FakeJournal(self.records)
        self.journal.manual = True
        self.seen: list[AnyEvent] = []
        self.live = LiveTurn([FIRST], "alice", journal=self.journal, observer=self.observe)

    def observe(self, state: TurnState, stamped: Stamped) -> None:
        assert state.count == stamped.n + 1
        self.seen.append(stamped.event)


async def test_an_event_is_shown_when_it_is_held_and_not_before() -> None:
    stage = Stage()
    reader = Reader(stage.live.log, turn_id="t", session_id="s")
    assert [s.n for s in reader.ready()] == [0]

    stage.live.append([TextDelta("a"), TextDelta("b")])
    assert reader.ready() == ()
    assert stage.live.state.text == "ab"
    stage.journal.commit("t", 1)
    assert [s.n for s in reader.ready()] == [1]
    stage.journal.commit("t")
    assert [s.n for s in reader.ready()] == [2]


async def test_numbers_go_on_over_batches_and_an_empty_one_is_none() -> None:
    stage = Stage()
    stage.live.append([TextDelta("a")])
    stage.live.append([])
    stage.live.append([TextDelta("b"), TextDelta("c")])

    assert [s.n for s in stage.live.log.events] == [0, 1, 2, 3]
    assert [s.n for s in stage.journal.pending["t"]] == [1, 2, 3]


async def test_the_observer_sees_all_but_the_tokens_after_the_first() -> None:
    stage = Stage()
    route = RouteChosen("m", "cloud")
    stage.live.append([route, ReasoningDelta("r"), TextDelta("a"), TextDelta("b"), route])

    assert stage.seen == [route, ReasoningDelta("r"), route]


async def test_room_is_waited_for_until_enough_is_held() -> None:
    stage = Stage()
    stage.live.append([TextDelta("a")] * 5)
    assert stage.live.backlog == 5
    await stage.live.room(5)
    waiting = stage.live.room(2)
    stage.journal.commit("t", 2)
    assert not waiting.done()
    stage.journal.commit("t", 1)

    async with asyncio.timeout(5):
        await waiting


async def test_whoever_adds_events_meanwhile_keeps_nobody_waiting_for_room() -> None:
    stage = Stage()
    stage.live.append([TextDelta("a")] * 3)
    waiting = stage.live.room(0)
    stage.live.append([TextDelta("b")] * 5)
    assert stage.live.room(7) is waiting
    stage.journal.commit("t", 2)
    assert not waiting.done()
    stage.journal.commit("t", 1)

    async with asyncio.timeout(5):
        await waiting
    assert stage.live.backlog == 5


@pytest.mark.parametrize("error", [Fenced("gone"), StorageUnavailable("away")])
async def test_who_waits_for_room_hears_of_a_lost_journal(error: TalkwireError) -> None:
    stage = Stage()
    stage.live.append([TextDelta("a")] * 3)
    waiting = stage.live.room(0)
    stage.journal.lose(error)

    assert waiting.cancelled()
    assert stage.live.room(0).cancelled()
    assert stage.live.error is error
    assert stage.live.log.is_cut


async def test_a_task_that_has_not_begun_is_told_but_not_cancelled() -> None:
    stage = Stage()
    ran = asyncio.Event()

    async def work() -> None:
        ran.set()

    stage.live.task = asyncio.create_task(work())
    stage.live.stop()
    await stage.live.task

    assert ran.is_set()
    assert stage.live.stopped


@pytest.mark.parametrize(("sealed", "cancelled"), [(False, True), (True, False)])
async def test_work_is_interrupted_once_and_not_while_its_end_is_stored(
    sealed: bool, cancelled: bool
) -> None:
    stage = Stage()
    stage.live.task = asyncio.create_task(asyncio.sleep(0.01))
    stage.live.began, stage.live.sealed = True, sealed
    await steps(1)
    stage.live.stop()
    stage.live.stop()

    assert stage.live.task.cancelling() == int(cancelled)
    await asyncio.wait([stage.live.task])
    assert stage.live.task.cancelled() == cancelled


async def test_leaving_an_unfinished_turn_cuts_its_readers() -> None:
    stage = Stage()
    stage.live.leave()

    assert stage.live.over.is_set()
    assert stage.live.log.is_cut
    assert stage.journal.tails == {}


async def test_a_turn_begins_with_a_sound_log() -> None:
    journal = FakeJournal(FakeRecords())

    with pytest.raises(ValueError, match="due"):
        LiveTurn([FIRST, FIRST], "alice", journal=journal, observer=lambda state, stamped: None)
    assert journal.tails == {}
