from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from talkwire.canon.errors import Fenced, StorageUnavailable, TalkwireError
from talkwire.canon.records import Unfinished
from talkwire.engine import seal
from talkwire.engine.upkeep import beat, stop_asked, sweep, take_up
from tests.engine.fakes import (
    LIMIT_S,
    OWNER,
    FakeNodes,
    FakeSignals,
    ScriptedModel,
    World,
    steps,
    until,
)


class Nodes(FakeNodes):
    """Fails with each error in turn; None is a beat that was taken."""

    def __init__(self, *answers: TalkwireError | None) -> None:
        super().__init__()
        self.answers = list(answers)

    async def beat(self) -> None:
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer


async def stopped(work: asyncio.Task[None]) -> None:
    assert not work.done()
    work.cancel()
    await asyncio.wait([work])


def began(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.create_task(work)


async def test_a_process_beats_on_through_failures_until_it_is_fenced() -> None:
    nodes = Nodes(None, StorageUnavailable("away"), None, Fenced("gone"))
    fenced: list[str] = []

    async def gone(error: Fenced) -> bool:
        fenced.append(error.message)
        return False

    async with asyncio.timeout(LIMIT_S):
        await beat(nodes, 0, gone)

    assert (nodes.answers, fenced) == ([], ["gone"])


async def test_a_process_that_can_come_back_beats_on_after_it_was_fenced() -> None:
    nodes = Nodes(Fenced("gone"), None, Fenced("gone again"))
    fenced: list[str] = []

    async def back(error: Fenced) -> bool:
        fenced.append(error.message)
        return True

    beating = began(beat(nodes, 0, back))
    await until(lambda: len(fenced) == 2)
    await stopped(beating)


async def test_turns_of_dead_nodes_are_taken_up() -> None:
    dead = World(ScriptedModel([asyncio.Event()]))
    turn_id = await dead.ask()
    await dead.turns.drain(0)
    world, nodes = World(records=dead.records), FakeNodes()
    keeping = began(take_up(nodes, world.turns, 0))
    await steps(20)
    assert not world.records.turns[turn_id].ended

    nodes.taken = 1

    await until(lambda: world.records.turns[turn_id].ended)
    await stopped(keeping)


@pytest.mark.parametrize("every_s", [0.001, 50])
async def test_turns_are_stopped_that_another_process_was_asked_to_stop(every_s: float) -> None:
    signals = FakeSignals()
    world = World(ScriptedModel([asyncio.Event()]), signals=signals)
    turn_id = await world.ask()
    keeping = began(stop_asked(world.turns, every_s, signals))
    await until(lambda: world.model.requests)

    other = World(records=world.records, signals=signals)
    record = await other.turns.abort(OWNER, turn_id)

    assert record.status == "aborted"
    assert ("stop", [turn_id]) in signals.sent
    await stopped(keeping)


async def test_turns_given_up_for_want_of_storage_are_taken_up_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(seal, "_STORE_AGAIN_S", ())
    world = World()
    world.journal.finish_fails.append(StorageUnavailable("away"))
    turn_id = await world.ask()
    keeping = began(take_up(FakeNodes(), world.turns, 0))

    await until(lambda: world.records.turns[turn_id].ended)
    assert world.records.turns[turn_id].status == "completed"
    await stopped(keeping)


async def test_storage_that_is_still_away_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    asked: list[int] = []

    async def unfinished() -> list[Unfinished]:
        asked.append(1)
        raise StorageUnavailable("away")

    monkeypatch.setattr(world.records, "unfinished", unfinished)
    world.turns._board.orphaned = True
    keeping = began(take_up(FakeNodes(), world.turns, 0))
    await until(lambda: len(asked) >= 2)
    await stopped(keeping)


async def test_old_things_are_swept_again_and_again_though_it_fails() -> None:
    swept: list[int] = []

    async def clean() -> None:
        swept.append(1)
        if len(swept) == 1:
            raise StorageUnavailable("away")

    keeping = began(sweep(clean, 0))
    await until(lambda: len(swept) >= 3)
    await stopped(keeping)
