"""Nodes are killed and frozen at random, while the crowd reads on at those that are left."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.chaos.crowd import Crowd, Load
from tests.chaos.printing import Outcome, quantile
from tests.chaos.scene import Scene, Setup, staged
from tests.chaos.verdict import judge

# A request that a frozen node has taken is carried out when it wakes. A GET that has no id by
# then would begin a second turn after its 10 s, as the contract says: its clients give up before.
LOAD = Load(words=(6, 20), pace_ms=500, models=("words", "more"), joined_s=4.0)


@dataclass(frozen=True)
class Options:
    """`kills` and `zombies` come at random times within `seconds`."""

    seed: int = 1
    kills: int = 60
    zombies: int = 15
    seconds: float = 120.0
    p99_s: float = 15.0
    setup: Setup = field(default_factory=Setup)
    load: Load = field(default_factory=lambda: LOAD)

    @property
    def is_control(self) -> bool:
        return not (self.setup.fence and self.setup.write_ahead)


@dataclass
class Havoc:
    """The blows, one after the other."""

    options: Options
    scene: Scene
    crowd: Crowd
    killed: int = 0
    frozen: int = 0
    revived: int = 0
    waking: list[asyncio.Task[None]] = field(default_factory=list)

    async def wreak(self) -> None:
        """:raises NotReady: a node does not come back."""
        options, fleet = self.options, self.scene.fleet
        dice = random.Random(f"{options.seed}/havoc")
        blows = ["kill"] * options.kills + ["zombie"] * options.zombies
        dice.shuffle(blows)
        times = sorted(dice.uniform(1.0, options.seconds) for _ in blows)
        began = time.monotonic()
        for blow, at in zip(blows, times, strict=True):
            await asyncio.sleep(max(0.0, began + at - time.monotonic()))
            if options.is_control and self.crowd.faults:
                break  # it has been proved
            self.revived += fleet.revive()
            await fleet.settled(min(2, options.setup.nodes))
            k = dice.choice(fleet.up)
            if blow == "kill":
                fleet.kill(k)
                self.killed += 1
            else:
                self.frozen += 1
                fleet.freeze(k)
                self.waking.append(asyncio.create_task(self._wake(k, dice.uniform(1.3, 1.9))))
        await asyncio.gather(*self.waking)
        self.revived += fleet.revive()

    async def _wake(self, k: int, times: float) -> None:
        await asyncio.sleep(self.options.setup.dead_after_s * times)
        self.scene.fleet.thaw(k)


async def run(options: Options, folder: Path) -> Outcome:
    """One storm on a stage of its own."""
    async with staged(folder, options.setup, options.seed) as scene:
        crowd = Crowd(replace(options.load, seed=options.seed), scene.fleet)
        havoc = Havoc(options, scene, crowd)
        began = time.monotonic()
        async with crowd.there():
            await havoc.wreak()
            took_s = time.monotonic() - began
        havoc.revived += scene.fleet.revive()
        await scene.fleet.settled(options.setup.nodes)
        await scene.quiet(5.0 if options.is_control else 40.0)
        async with asyncio.timeout(300):
            verdict = await judge(crowd.transcripts, scene.fleet.direct, scene.rows)
        return Outcome(
            f"{_title(options)} · seed {options.seed}",
            verdict,
            [
                ("nodes; beat / dead after", _nodes(options.setup)),
                ("turns at a time", options.load.turns),
                ("seconds", f"{took_s:.0f}"),
                ("kill -9", havoc.killed),
                ("frozen past their time, then woken", havoc.frozen),
                ("ended by themselves, and started again", havoc.revived),
                ("turns", len(crowd.asked)),
                ("model calls", len(scene.provider.calls)),
                ("tracebacks in the nodes' logs", scene.tracebacks),
            ],
            _missed(options, havoc, verdict.waits_s, took_s),
        )


def _title(options: Options) -> str:
    if options.is_control:
        return f"control: {'write-ahead' if options.setup.fence else 'fence'} off"
    return f"nodes · on_lost {options.setup.on_lost}"


def _nodes(setup: Setup) -> str:
    return f"{setup.nodes}; {setup.beat_s:g} / {setup.dead_after_s:g} s"


def _missed(options: Options, havoc: Havoc, waits_s: list[float], took_s: float) -> list[str]:
    missed = []
    if (havoc.killed, havoc.frozen) != (options.kills, options.zombies):
        missed.append(f"only {havoc.killed} kills and {havoc.frozen} zombies")
    if took_s > options.seconds * 1.25 + 10:
        missed.append(f"it took {took_s:.0f} s")
    p99_s = quantile(waits_s, 99)
    if p99_s is None or p99_s > options.p99_s:
        missed.append(f"p99 of {p99_s} s instead of {options.p99_s} s")
    return missed
