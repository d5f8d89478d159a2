"""Connections are cut at random byte offsets; every transcript must equal the uncut one."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.chaos.crowd import Crowd, Load
from tests.chaos.printing import Outcome
from tests.chaos.scene import Setup, calm, staged
from tests.chaos.verdict import judge
from tests.e2e.proxy import Harm, Proxy
from tests.e2e.waiting import until


@dataclass(frozen=True)
class Options:
    """The storm ends with the last cut, or after `seconds`."""

    seed: int = 1
    cuts: int = 5000
    seconds: float = 240.0
    offsets: tuple[int, ...] = (400, 3000, 20_000)
    setup: Setup = field(default_factory=lambda: calm(2))
    load: Load = field(
        default_factory=lambda: Load(turns=16, second=0.5, words=(20, 120), pace_ms=4, fickle=0.0)
    )


async def run(options: Options, folder: Path) -> Outcome:
    """One storm on a stage of its own."""
    async with AsyncExitStack() as stack:
        scene = await stack.enter_async_context(staged(folder, options.setup, options.seed))
        proxies: list[Proxy] = []

        def harmed() -> int:
            return sum(proxy.harmed for proxy in proxies)

        def plan() -> Iterator[Harm]:
            dice = random.Random(f"{options.seed}/cuts")
            while harmed() < options.cuts:
                after = dice.randrange(dice.choice(options.offsets))
                yield Harm(after=after, end=dice.choice(["cut", "rst"]))

        harms = plan()
        for node in scene.fleet.nodes:
            proxies.append(await stack.enter_async_context(Proxy(node.port, harms)))
        scene.fleet.ports |= {proxy.target_port: proxy.port for proxy in proxies}
        crowd = Crowd(replace(options.load, seed=options.seed), scene.fleet)
        began = time.monotonic()
        async with crowd.there():
            with suppress(TimeoutError):
                await until(lambda: harmed() >= options.cuts, options.seconds)
            took_s = time.monotonic() - began
        await scene.quiet()
        async with asyncio.timeout(300):
            verdict = await judge(
                crowd.transcripts, scene.fleet.direct, scene.rows, excused=frozenset()
            )
        done = harmed()
        return Outcome(
            f"cuts · seed {options.seed}",
            verdict,
            [
                ("nodes", options.setup.nodes),
                ("seconds", f"{took_s:.0f}"),
                ("connections cut or reset at a random byte", done),
                ("  the byte: below one of", ", ".join(map(str, options.offsets))),
                ("turns, each compared with an uncut reading", len(crowd.asked)),
                ("tracebacks in the nodes' logs", scene.tracebacks),
            ],
            [] if done >= options.cuts else [f"only {done} cuts in {took_s:.0f} s"],
        )
