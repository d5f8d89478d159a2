from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from talkwire.canon.errors import Fenced, StorageUnavailable, TalkwireError
from talkwire.canon.records import Unfinished
from talkwire.engine import seal
from talkwire.engine.upkeep import beat, sweep, take_up
from tests.engine.fakes import LIMIT_S, FakeNodes, World, until


class Nodes(FakeNodes):
    """Fails with each error in turn; None is a beat that was taken."""

    def __init__(self, *answers: TalkwireError | None) -> None:
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
    fenced: list[int] = []
    async with asyncio.timeout(LIMIT_S):
        await beat(nodes, 0, lambda: fenced.append(1))

    assert (nodes.answers, fenced) == ([], [1])


async def test_turns_given_up_for_want_of_storage_are_taken_up_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(seal, "_STORE_AGAIN_S", ())
    world = World()
    world.journal.finish_fails.append(StorageUnavailable("away"))
    turn_id = await world.ask()
    keeping = began(take_up(world.turns, 0))

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
    world.turns.orphaned = True
    keeping = began(take_up(world.turns, 0))
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
