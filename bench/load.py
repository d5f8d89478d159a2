"""The load generator: keeps K streams going against a target and counts what comes.

It runs as a process of its own and prints one line of JSON (`bench.result.Measured`). A slot is one
kept-alive connection that asks again as soon as its stream has ended. Every stream must hold
exactly the expected tokens and its terminal frame, or it counts as failed.
"""

from __future__ import annotations

import argparse
import asyncio
import math
from collections.abc import Sequence
from time import perf_counter
from urllib.parse import urlsplit

import uvloop

from bench.cost import Tree
from bench.result import Measured, percentile
from bench.slots import Ledger, Plan, Slot

_RSS_EVERY_S = 0.25


class Load:
    """Runs a plan once."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._ledger = Ledger()
        self._slots: dict[int, Slot] = {}
        self._peak = 0.0

    async def run(self) -> Measured:
        plan, ledger = self._plan, self._ledger
        tree = None if plan.pid is None else Tree(plan.pid)
        before = self._peak = tree.rss_kib() if tree else math.nan
        watch = asyncio.create_task(self._watch(tree)) if tree else None
        slots = [asyncio.create_task(self._keep(i)) for i in range(plan.slots)]
        await asyncio.sleep(plan.warmup_s)
        requests, tokens, reads = ledger.requests, ledger.tokens, ledger.reads
        cpu = tree.cpu_s() if tree else math.nan
        busy = tree.busy_s() if tree else math.nan
        begun = perf_counter()
        ledger.measuring = True
        await asyncio.sleep(plan.window_s)
        ledger.measuring = False
        window = perf_counter() - begun
        cpu = (tree.cpu_s() if tree else math.nan) - cpu
        busy = (tree.busy_s() if tree else math.nan) - busy
        tokens, reads = ledger.tokens - tokens, ledger.reads - reads
        requests = ledger.requests - requests
        self._count_the_waiting()
        if watch is not None:
            watch.cancel()
            await asyncio.wait([watch])
        await self._drain(slots)
        return Measured(
            tokens=tokens,
            window_s=window,
            streams_ok=ledger.ok,
            streams_failed=ledger.failed,
            reasons=ledger.reasons,
            requests=requests,
            ttft_p50_ms=percentile(ledger.ttfts, 0.5) * 1000,
            ttft_p99_ms=percentile(ledger.ttfts, 0.99) * 1000,
            gap_p50_ms=percentile(ledger.gaps, 0.5) * 1000,
            gap_p99_ms=percentile(ledger.gaps, 0.99) * 1000,
            tokens_per_read=tokens / reads if reads else math.nan,
            max_open=ledger.max_open,
            cpu_s=cpu,
            rss_before_kib=before,
            rss_peak_kib=self._peak,
            others_cpu_s=max(busy - cpu, 0.0),
        )

    async def _keep(self, number: int) -> None:
        """Keeps one slot going, connecting again where the connection was closed."""
        plan = self._plan
        url = urlsplit(plan.url)
        loop = asyncio.get_running_loop()
        # The starts are spread, so that streams of equal length do not end together.
        await asyncio.sleep(plan.ramp_s * number / plan.slots)
        while not self._ledger.stopping:
            try:
                _, slot = await loop.create_connection(
                    lambda: Slot(plan, self._ledger), url.hostname or "127.0.0.1", url.port or 80
                )
            except OSError as refused:
                self._ledger.judge(f"no connection: {refused}")
                await asyncio.sleep(0.1)
                continue
            self._slots[number] = slot
            await slot.closed
            if plan.once:
                return

    async def _watch(self, tree: Tree) -> None:
        while True:
            self._peak = max(self._peak, tree.rss_kib())
            await asyncio.sleep(_RSS_EVERY_S)

    def _count_the_waiting(self) -> None:
        now = perf_counter()
        for slot in self._slots.values():
            if slot.busy and slot.first is None:
                self._ledger.ttfts.append(now - slot.sent)

    async def _drain(self, slots: list[asyncio.Task[None]]) -> None:
        """Lets the open streams come to their end; those that do not in time have failed."""
        self._ledger.stopping = True
        _, late = await asyncio.wait(slots, timeout=self._plan.drain_s)
        for number, task in enumerate(slots):
            if task in late:
                task.cancel()
                if number in self._slots:
                    self._slots[number].abort()
        if late:
            await asyncio.wait(late)


async def measure(plan: Plan) -> Measured:
    """Runs a plan in this event loop."""
    return await Load(plan).run()


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench.load", description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--body", required=True, help="JSON; @UID@ becomes a new id each time")
    parser.add_argument("--stop", required=True, help="bytes after which tokens are repeats")
    parser.add_argument("--end", required=True, help="bytes of the terminal frame")
    parser.add_argument("--expect", type=int, required=True, help="tokens of each stream")
    parser.add_argument("--slots", type=int, required=True)
    parser.add_argument("--warmup", type=float, required=True, metavar="SECONDS")
    parser.add_argument("--window", type=float, required=True, metavar="SECONDS")
    parser.add_argument("--ramp", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--drain", type=float, default=10.0, metavar="SECONDS")
    parser.add_argument("--once", action="store_true", help="one stream for each slot")
    parser.add_argument("--pid", type=int, help="process whose CPU and memory to take")
    asked = parser.parse_args(argv)
    plan = Plan(
        url=asked.url,
        body=asked.body,
        stop=asked.stop.encode(),
        end=asked.end.encode(),
        expect=asked.expect,
        slots=asked.slots,
        warmup_s=asked.warmup,
        window_s=asked.window,
        ramp_s=asked.ramp,
        drain_s=asked.drain,
        once=asked.once,
        pid=asked.pid,
    )
    print(uvloop.run(measure(plan)).dump())


if __name__ == "__main__":
    main()
