"""Every worker is replaced, again and again, under streams that go on: nobody sees an error."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from tests.chaos.crowd import Crowd, Load
from tests.chaos.printing import Outcome
from tests.chaos.scene import Setup, calm, staged
from tests.chaos.verdict import judge
from tests.e2e.waiting import until


@dataclass(frozen=True)
class Options:
    """One server with `setup.workers` processes; SIGHUP `restarts` times."""

    seed: int = 1
    restarts: int = 20
    each_within_s: float = 120.0
    setup: Setup = field(default_factory=lambda: calm(1, workers=2))
    load: Load = field(
        default_factory=lambda: Load(
            turns=100, second=0.1, pace_ms=250, models=("more",), fickle=0.0
        )
    )


async def run(options: Options, folder: Path) -> Outcome:
    """One storm on a stage of its own."""
    async with staged(folder, options.setup, options.seed) as scene:
        server = scene.fleet.nodes[0]
        workers = options.setup.workers
        await until(lambda: len(serving(server.pid)) == workers, 60)
        crowd = Crowd(replace(options.load, seed=options.seed), scene.fleet)
        began, restarted = time.monotonic(), 0
        async with crowd.there():
            await asyncio.sleep(2.0)
            for _ in range(options.restarts):
                done = partial(_replaced, server.pid, serving(server.pid), workers)
                os.kill(server.pid, signal.SIGHUP)
                await until(done, options.each_within_s)
                restarted += 1
            took_s = time.monotonic() - began
        await scene.quiet()
        async with asyncio.timeout(300):
            verdict = await judge(crowd.transcripts, scene.fleet.direct, scene.rows)
        # A stream may end under its reader, who resumes; nothing else may be met.
        seen = {k: n for k, n in verdict.troubles.items() if not k.startswith("stream: ")}
        return Outcome(
            f"rolling · seed {options.seed}",
            verdict,
            [
                (
                    "workers; drain time-out",
                    f"{options.setup.workers}; {options.setup.drain_timeout_s:g} s",
                ),
                ("turns at a time", options.load.turns),
                ("rolling restarts", restarted),
                ("seconds", f"{took_s:.0f}"),
                ("turns", len(crowd.asked)),
                ("model calls", len(scene.provider.calls)),
                ("errors that a client saw", sum(seen.values())),
                ("tracebacks in the log", scene.tracebacks),
            ],
            [f"{kind}: {count}" for kind, count in seen.items()],
        )


def children(pid: int) -> set[int]:
    """The processes that a process has started and that have not been collected."""
    try:
        return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    except FileNotFoundError:
        return set()


def serving(pid: int) -> set[int]:
    """A server's workers: they are forked from children of its own."""
    return {worker for child in children(pid) for worker in children(child)}


def _replaced(pid: int, before: set[int], workers: int) -> bool:
    now = serving(pid)
    return not now & before and len(now) == workers
