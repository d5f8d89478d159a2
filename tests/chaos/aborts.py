"""Turns are aborted around the moment of their completion, on any node: one terminal each."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.printing import Outcome
from tests.chaos.reading import Asked, Follower, Transcript
from tests.chaos.scene import Scene, Setup, calm, staged
from tests.chaos.verdict import Verdict, judge
from tests.e2e.wire_client import ask

# What makes a control of it: an abort ends a turn also when another end is being stored.
UNSEALED = """
from talkwire.canon.events import TurnAborted
from talkwire.engine.board import Board

def stop(board, live, by):
    if live.aborted_by is not None:
        return
    live.aborted_by = by
    if live.sealed and not live.log.ended:
        live.stamp([TurnAborted(by)])
        live.log.show(live.state.count)
    else:
        live.stop()

Board.stop = stop
"""
_BACKENDS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"


@dataclass(frozen=True)
class Options:
    """Each turn takes about `words` × `pace_ms`, and is aborted within about that time."""

    seed: int = 1
    aborts: int = 2000
    at_a_time: int = 25
    words: int = 5
    pace_ms: int = 10
    idle_within_s: float = 20.0
    setup: Setup = field(default_factory=lambda: calm(2))

    @property
    def title(self) -> str:
        return "control: one-terminal check off" if self.setup.prelude else "aborts"


@dataclass
class Aborting:
    """The turns, and what their aborts were answered with."""

    options: Options
    scene: Scene
    transcripts: list[Transcript] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)
    verdict: Verdict = field(default_factory=Verdict)

    async def one(self, number: int) -> None:
        options = self.options
        dice = random.Random(f"{options.seed}/{number}")
        key = f"abort-{number}"
        prompt = f"{key} words={options.words} pace_ms={options.pace_ms}"
        wire = dice.choice(["native", "responses-sse"])
        asked = Asked(key, wire, "POST", prompt, began_at=time.monotonic(), model="words")
        transcript = Transcript(asked)
        self.transcripts.append(transcript)
        begun = asyncio.Event()
        follower = Follower(
            transcript, self.scene.fleet, dice, fickle=0.0, quiet_s=5.0, on_started=begun.set
        )
        reading = asyncio.create_task(follower.follow())
        try:
            async with asyncio.timeout(60):
                await begun.wait()
                length_s = options.words * options.pace_ms / 1000
                await asyncio.sleep(dice.uniform(0.5, 1.5) * length_s)
                await self._abort(asked)
                await reading
        except TimeoutError:
            self.verdict.fault("stuck", f"{key} after a minute")
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _abort(self, asked: Asked) -> None:
        port = self.scene.fleet.port
        status, record = await ask(
            port, "POST", f"/turns/{asked.turn_id}/abort", body={}, within_s=30
        )
        if status != 200:
            self.verdict.fault(f"status {status}", f"abort of {asked.turn_id}: {record}")
            return
        self.told[record["status"]] += 1
        _, again = await ask(self.scene.fleet.port, "GET", f"/turns/{asked.turn_id}")
        if again["status"] != record["status"]:
            note = f"{asked.turn_id} told {record['status']}, then {again['status']}"
            self.verdict.fault("changed its mind", note)


async def run(options: Options, folder: Path) -> Outcome:
    """One storm on a stage of its own."""
    async with staged(folder, options.setup, options.seed) as scene:
        aborting = Aborting(options, scene)
        await aborting.one(-1)  # what is opened once is open now
        await scene.quiet()
        idle = await _held(scene)
        some = asyncio.Semaphore(options.at_a_time)
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(options.aborts):
                await some.acquire()
                group.create_task(aborting.one(number)).add_done_callback(lambda _: some.release())
        took_s = time.monotonic() - began
        await scene.quiet()
        after = await _settled(scene, idle, options.idle_within_s)
        verdict = await judge(aborting.transcripts, scene.fleet.direct, scene.rows)
        verdict.faults.update(aborting.verdict.faults)
        verdict.notes += aborting.verdict.notes
        told = ", ".join(f"{status} {count}" for status, count in sorted(aborting.told.items()))
        return Outcome(
            f"{options.title} · seed {options.seed}",
            verdict,
            [
                ("nodes", options.setup.nodes),
                ("seconds", f"{took_s:.0f}"),
                ("turns, each aborted", len(aborting.transcripts)),
                ("what the aborts were told", told),
                ("sockets of the nodes before / after", f"{idle[0]} / {after[0]}"),
                ("threads of the nodes before / after", f"{idle[1]} / {after[1]}"),
                ("database connections before / after", f"{idle[2]} / {after[2]}"),
                ("connections to the model after", _upstream(scene)),
                ("tracebacks in the nodes' logs", scene.tracebacks),
            ],
            _missed(scene, idle, after),
        )


async def _held(scene: Scene) -> tuple[int, int, int]:
    """Sockets and threads of all nodes, and connections that the database has."""
    sockets = threads = 0
    for node in scene.fleet.nodes:
        process = Path(f"/proc/{node.pid}")
        links = [each.readlink().name for each in (process / "fd").iterdir() if each.is_symlink()]
        sockets += sum(link.startswith("socket:") for link in links)
        threads += len(list((process / "task").iterdir()))
    backends = await asyncio.to_thread(scene.rows, _BACKENDS)
    return sockets, threads, int(backends[0][0])


async def _settled(
    scene: Scene, idle: tuple[int, int, int], within_s: float
) -> tuple[int, int, int]:
    """What is held once it is no more than can be kept for later, or the time is over."""
    until = time.monotonic() + within_s
    while True:
        held = await _held(scene)
        if not _missed(scene, idle, held) or time.monotonic() > until:
            return held
        await asyncio.sleep(0.5)


def _upstream(scene: Scene) -> int:
    return sum(call.closed_at is None for call in scene.provider.calls)


def _missed(scene: Scene, idle: tuple[int, int, int], held: tuple[int, int, int]) -> list[str]:
    """A pool may have grown: to its size (5), not by what was asked."""
    nodes = scene.setup.nodes
    kept = (15 * nodes, 20 * nodes, 5 * nodes)
    names = ("sockets", "threads", "database connections")
    missed = [
        f"{after} {name} instead of {before}"
        for name, before, after, more in zip(names, idle, held, kept, strict=True)
        if after > before + more
    ]
    return missed + ([f"{_upstream(scene)} calls go on"] if _upstream(scene) else [])
