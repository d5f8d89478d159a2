"""Redis is killed and wiped, PostgreSQL crashes: nothing that was acknowledged is lost."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.chaos.crowd import Crowd, Load
from tests.chaos.printing import Outcome
from tests.chaos.reading import Asked, Follower, Place, Transcript
from tests.chaos.scene import Scene, Setup, staged
from tests.chaos.verdict import judge


@dataclass(frozen=True)
class Options:
    """The blows come one after the other, `pause_s` apart on average."""

    seed: int = 1
    redis_kills: int = 10
    database_restarts: int = 6
    pause_s: float = 3.0
    back_within_s: float = 2.0
    # Not tighter than a crash and recovery of the database take: that is no node's death.
    setup: Setup = field(default_factory=lambda: Setup(nodes=2, beat_s=0.5, dead_after_s=5.0))
    load: Load = field(
        default_factory=lambda: Load(turns=40, words=(5, 40), pace_ms=100, models=("words", "more"))
    )


@dataclass
class Havoc:
    """The blows; `back_s` is how long each node took for its first success after each crash."""

    options: Options
    scene: Scene
    crowd: Crowd
    back_s: list[float] = field(default_factory=list)
    wiped: int = 0

    async def wreak(self) -> None:
        dice = random.Random(f"{self.options.seed}/havoc")
        blows = ["redis"] * self.options.redis_kills + ["database"] * self.options.database_restarts
        dice.shuffle(blows)
        for number, blow in enumerate(blows):
            await asyncio.sleep(self.options.pause_s * dice.uniform(0.5, 1.5))
            if blow == "redis":
                await asyncio.to_thread(self.scene.redis.kill)
                await asyncio.sleep(dice.uniform(0.0, 1.5))
                await asyncio.to_thread(self.scene.redis.start_again, wiped=True)
                self.wiped += 1
            else:
                await self._crash(number)

    async def _crash(self, number: int) -> None:
        await asyncio.to_thread(self.scene.postgres.restart_immediate)
        accepting_at = time.monotonic()
        ports = [self.scene.fleet.nodes[k].port for k in self.scene.fleet.up]
        probing = [self._probe(f"probe-{number}-{port}", port, accepting_at) for port in ports]
        await asyncio.gather(*probing)

    async def _probe(self, key: str, port: int, since: float) -> None:
        """Ask a node for a turn until it takes one."""
        asked = Asked(key, "native", "POST", f"{key} words=2 pace_ms=1", began_at=time.monotonic())
        transcript = Transcript(asked)
        self.crowd.transcripts.append(transcript)
        follower = Follower(
            transcript,
            Place(port),
            random.Random(key),
            fickle=0.0,
            quiet_s=3.0,
            on_started=lambda: self.back_s.append(time.monotonic() - since),
        )
        async with asyncio.timeout(30):
            await follower.follow()


async def run(options: Options, folder: Path) -> Outcome:
    """One storm on a stage of its own."""
    async with staged(folder, options.setup, options.seed) as scene:
        crowd = Crowd(replace(options.load, seed=options.seed), scene.fleet)
        havoc = Havoc(options, scene, crowd)
        began, revived = time.monotonic(), 0
        async with crowd.there():
            await havoc.wreak()
            took_s = time.monotonic() - began
        revived = scene.fleet.revive()
        await scene.fleet.settled(options.setup.nodes)
        await scene.quiet()
        async with asyncio.timeout(300):
            verdict = await judge(crowd.transcripts, scene.fleet.direct, scene.rows)
        promised = sum(asked.turn_id is not None for asked in crowd.asked)
        return Outcome(
            f"storage · seed {options.seed}",
            verdict,
            [
                ("nodes; beat / dead after", _nodes(options.setup)),
                ("seconds", f"{took_s:.0f}"),
                ("Redis killed and wiped", havoc.wiped),
                ("PostgreSQL crashed and recovered", options.database_restarts),
                (
                    "first success after the database, worst",
                    f"{max(havoc.back_s, default=0):.2f} s",
                ),
                ("turns acknowledged", promised),
                ("nodes that ended by themselves", revived),
                ("tracebacks in the nodes' logs", scene.tracebacks),
            ],
            _missed(options, havoc),
        )


def _nodes(setup: Setup) -> str:
    return f"{setup.nodes}; {setup.beat_s:g} / {setup.dead_after_s:g} s"


def _missed(options: Options, havoc: Havoc) -> list[str]:
    missed = []
    slow = [f"{each:.2f} s" for each in havoc.back_s if each > options.back_within_s]
    if slow or not havoc.back_s:
        missed.append(f"back only after {', '.join(slow)}")
    refused = {"status 429", "status 502"} & {
        kind for transcript in havoc.crowd.transcripts for kind in transcript.troubles
    }
    missed += sorted(refused)
    return missed
