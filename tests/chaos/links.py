"""Each link in turn is cut, slowed, refused and made a black hole, for all nodes at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.chaos.crowd import Crowd, Load
from tests.chaos.printing import Outcome
from tests.chaos.scene import Setup, staged
from tests.chaos.verdict import Verdict, judge
from tests.services.link import Link

HARMS = ("cut", "delay", "refuse", "hole")
# What a turn may fail with: its node's death is excused, and that the model was not to be reached.
EXCUSED = frozenset(
    {
        "worker_lost",
        "upstream_incomplete",
        "upstream_timeout",
        "upstream_unavailable",
    }
)


@dataclass(frozen=True)
class Options:
    """Each harm lasts `harm_s`, and the link is whole for `pause_s` after it."""

    seed: int = 1
    links: tuple[str, ...] = ("client-node", "node-PostgreSQL", "node-Redis", "node-upstream")
    harms: tuple[str, ...] = HARMS
    harm_s: float = 3.0
    pause_s: float = 2.0
    delay_s: float = 0.2
    setup: Setup = field(
        default_factory=lambda: Setup(
            nodes=2,
            linked=True,
            model={"connect_timeout_s": 2, "first_token_timeout_s": 4, "idle_timeout_s": 4},
        )
    )
    load: Load = field(
        default_factory=lambda: Load(turns=40, words=(8, 40), pace_ms=100, models=("words", "more"))
    )


async def run(options: Options, folder: Path) -> Outcome:
    """One storm on a stage of its own."""
    async with staged(folder, options.setup, options.seed) as scene:
        crowd = Crowd(replace(options.load, seed=options.seed), scene.fleet)
        began = time.monotonic()
        revived = 0
        async with crowd.there():
            for name in options.links:
                for harm in options.harms:
                    await asyncio.sleep(options.pause_s)
                    await _hurt(scene.links[name], harm, options)
                    revived += scene.fleet.revive()
            await asyncio.sleep(options.pause_s)
            took_s = time.monotonic() - began
        revived += scene.fleet.revive()
        await scene.fleet.settled(options.setup.nodes)
        await scene.quiet()
        async with asyncio.timeout(300):
            verdict = await judge(
                crowd.transcripts, scene.fleet.direct, scene.rows, excused=EXCUSED
            )
        return Outcome(
            f"links · seed {options.seed}",
            verdict,
            [
                ("nodes", options.setup.nodes),
                ("links", ", ".join(options.links)),
                ("harms, each", f"{', '.join(options.harms)}; {options.harm_s:g} s"),
                ("seconds", f"{took_s:.0f}"),
                ("turns", len(crowd.asked)),
                ("nodes that ended by themselves", revived),
                ("tracebacks in the nodes' logs", scene.tracebacks),
            ],
            _missed(verdict),
        )


async def _hurt(links: Sequence[Link], harm: str, options: Options) -> None:
    until = time.monotonic() + options.harm_s
    for link in links:
        match harm:
            case "delay":
                link.delay(options.delay_s)
            case "refuse":
                link.refuse()
            case "hole":
                link.hole()
            case _:
                link.cut()
    while time.monotonic() < until:
        await asyncio.sleep(0.5)
        if harm == "cut":
            for link in links:
                link.cut()
    for link in links:
        link.heal()


def _missed(verdict: Verdict) -> list[str]:
    return [] if verdict.endings["turn.completed"] else ["no turn was completed at all"]
