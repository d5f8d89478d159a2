"""Turns with tools survive the death of their server at each step; `make chaos`: all of them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.chaos import tools
from tests.chaos.storm import freeze_between_commits
from tests.chaos.toolcases import AGAIN, ORPHANS, cases
from tests.e2e.servers import Server
from tests.e2e.strict import Question, Strict
from tests.e2e.waiting import until
from tests.e2e.wire_client import ask, asking

pytestmark = pytest.mark.timeout(150)

FEW = cases(shapes=("act", "last"))


DEADLY = """
import os
from pathlib import Path

from talkwire.tools import tool

HERE = Path(__file__).parent


@tool
async def act() -> str:
    "Changes the world, and ends its server the first time."
    before = (HERE / "effects").exists()
    with (HERE / "effects").open("a") as effects:
        effects.write("x")
    if not before:
        os.kill(os.getpid(), 9)
    return "done"
"""
SLOW = """
import asyncio
from talkwire.journals.sql import SqlJournal

def slowed(plain):
    def fly(self):
        self._flying = True
        asyncio.get_running_loop().call_later(0.2, plain, self)
    return fly

SqlJournal._fly = slowed(SqlJournal._fly)
"""
HASTY = """
from talkwire.engine.live import LiveTurn

plain = LiveTurn.room
LiveTurn.room = lambda live, most: plain(live, 10**9)
"""


async def test_turns_survive_a_death_at_each_step_of_their_tool_calls(tmp_path: Path) -> None:
    outcome = await tools.run(tools.Options(), tmp_path)

    assert outcome.green, (outcome.why, outcome.verdict.notes)


@pytest.mark.parametrize("on_lost", ["continue", "fail"])
async def test_they_do_so_however_lost_answers_are_treated(on_lost: str, tmp_path: Path) -> None:
    outcome = await tools.run(tools.Options(on_lost=on_lost, cases=FEW), tmp_path)

    assert outcome.green, (outcome.why, outcome.verdict.notes)


async def test_calls_that_were_run_again_would_be_seen(tmp_path: Path) -> None:
    few = [case for case in FEW if case.is_lost_in_calls]
    outcome = await tools.run(tools.Options(cases=few, prelude=AGAIN), tmp_path)

    assert outcome.verdict.faults["ran twice"]
    assert outcome.verdict.faults["results"]


async def test_calls_without_results_would_be_seen(tmp_path: Path) -> None:
    few = [case for case in FEW if case.point == "done"]
    outcome = await tools.run(tools.Options(cases=few, prelude=ORPHANS), tmp_path)

    assert outcome.verdict.faults["refused"]
    assert outcome.verdict.faults["next turn"]


COUNTING = """
from pathlib import Path

from talkwire.tools import tool


@tool
async def act() -> str:
    "Changes the world."
    with (Path(__file__).parent / "effects").open("a") as effects:
        effects.write("x")
    return "done"
"""


class Patient(Strict):
    """Keeps the first question waiting until it is told to answer."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = asyncio.Event()

    async def hold(self, question: Question, point: str) -> None:
        if question is self.questions[0] and point == "asked":
            await self.go_on.wait()


async def last_event(server: Server, turn_id: str) -> str:
    """The last event of a turn, once it has ended."""
    path, headers = f"/turns/{turn_id}/events", {"Accept": "text/event-stream"}
    async with asyncio.timeout(20), asking(server.port, "GET", path, headers=headers) as answer:
        return [frame.event async for frame in answer.frames()][-1]


async def effects_beside_a_sleeper(folder: Path, prelude: str) -> str:
    """What a tool has left when a server sleeps while its model is asked, another one takes the
    turn over and ends it, and the sleeper wakes with the model's answer at its door.
    """
    (folder / "tools.py").write_text(COUNTING, encoding="utf-8")
    async with Patient() as provider:
        config = {
            "models": [provider.model("chat")],
            "tools": {"module": str(folder / "tools.py")},
            "node": {"beat_s": 0.2, "dead_after_s": 1.0},
        }
        sleeper = Server(folder / "sleeper", config=config, prelude=prelude)
        other = Server(folder / "other", config=config, data_dir=sleeper.data_dir)
        try:
            await sleeper.start()
            orders = json.dumps({"rounds": [[["act", {}]]], "words": 2})
            body = {"input": f"orders={orders}"}
            _, begun = await ask(sleeper.port, "POST", "/turns", body=body)
            await until(lambda: provider.questions)
            await freeze_between_commits(sleeper)
            await asyncio.sleep(1.2)  # as long as it takes to be dead
            await other.start()
            assert await last_event(other, begun["turn_id"]) == "turn.completed"
            provider.go_on.set()
            await until(lambda: provider.questions[0].answered)
            sleeper.thaw()
            await until(lambda: not sleeper.alive or "fenced" in sleeper.output)
        finally:
            sleeper.stop()
            other.stop()
    return (folder / "effects").read_text(encoding="utf-8")


async def effects_of_a_deadly_tool(folder: Path, prelude: str) -> str:
    """What a tool has left that ends its own server as soon as it runs, once the turn is over."""
    (folder / "tools.py").write_text(DEADLY, encoding="utf-8")
    async with Strict() as provider:
        config = {
            "models": [provider.model("chat")],
            "tools": {"module": str(folder / "tools.py")},
        }
        server = Server(folder / "server", config=config, prelude=prelude)
        try:
            await server.start()
            orders = json.dumps({"rounds": [[["act", {}]]], "words": 2})
            status, begun = await ask(
                server.port, "POST", "/turns", body={"input": f"orders={orders}"}
            )
            assert status == 202
            await until(lambda: not server.alive)
            await server.restart()
            last = await last_event(server, begun["turn_id"])
        finally:
            server.stop()
        assert (last, provider.refusals) == ("turn.completed", [])
    return (folder / "effects").read_text(encoding="utf-8")


async def test_a_tool_that_ends_its_server_as_soon_as_it_runs_has_run_once(tmp_path: Path) -> None:
    assert await effects_of_a_deadly_tool(tmp_path, SLOW) == "x"


async def test_a_tool_that_began_before_its_call_is_held_would_be_seen(tmp_path: Path) -> None:
    assert await effects_of_a_deadly_tool(tmp_path, SLOW + HASTY) == "xx"


async def test_a_server_that_wakes_runs_no_tool_of_a_turn_that_another_has_ended(
    tmp_path: Path,
) -> None:
    assert await effects_beside_a_sleeper(tmp_path, "") == "x"


async def test_a_sleeper_that_ran_the_tool_too_would_be_seen(tmp_path: Path) -> None:
    for number in range(3):  # its own beat may tell it first that it was dead
        folder = tmp_path / str(number)
        folder.mkdir()
        if await effects_beside_a_sleeper(folder, HASTY) == "xx":
            return
    pytest.fail("No tool ran twice.")
