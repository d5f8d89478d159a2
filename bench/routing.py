"""`python -m bench.routing`: how fast texts are routed among a thousand made-up scenarios, and how
much memory that takes, in one process on one processor.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import psutil

from talkwire.scenarios import labelled, reading
from talkwire.scenarios.catalogue import Catalogue, Passage, Scenario, Words
from talkwire.scenarios.index import indexed
from talkwire.scenarios.rank import rank
from talkwire.scenarios.retrieve import Index

SCENARIOS = 1_000
EXAMPLES = 12
PASSAGES = 6
ROUNDS = 5
GOAL_P99_MS = 5.0

_SAMPLE = Path(reading.__file__).with_name("sample") / "catalogue.json"
_MIB = 2**20


def made_up(count: int, chance: random.Random) -> Catalogue:
    """A catalogue of `count` scenarios whose texts are spliced from the sample's."""
    sample = reading.read(_SAMPLE)
    texts = [text for scenario in sample.scenarios for text in scenario.examples]
    procedures = [p for found in sample.passages.values() for p in found]

    def spliced() -> str:
        first, second = chance.choice(texts), chance.choice(texts)
        return first[: len(first) // 2] + second[len(second) // 2 :]

    scenarios: list[Scenario] = []
    passages: dict[str, tuple[Passage, ...]] = {}
    for n in range(count):
        file = f"{n}.md"
        passages[file] = tuple(
            msgspec.structs.replace(p, file=file) for p in chance.sample(procedures, PASSAGES)
        )
        scenarios.append(
            Scenario(
                category=f"{n // 25}",
                subcategory=f"{n}",
                title=Words(spliced(), spliced()),
                description=f"{spliced()} / {spliced()}",
                examples=tuple(spliced() for _ in range(EXAMPLES)),
                sop_references=(file,),
            )
        )
    return Catalogue(tuple(scenarios), passages, sample.asides, sample.clarify, f"made up {count}")


def main(cache: Path | None) -> None:
    """Measure; with a cache folder only build the index into it."""
    catalogue = made_up(SCENARIOS, random.Random(1))
    if cache is not None:
        began = time.perf_counter()
        indexed(catalogue, cache)
        print(f"{time.perf_counter() - began:.1f}")
        return
    process = psutil.Process()
    with tempfile.TemporaryDirectory() as folder:
        # Built in another process: this one's memory is that of a server that finds it built.
        command = [sys.executable, "-m", "bench.routing", folder]
        built_s = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        size = sum(f.stat().st_size for f in Path(folder).rglob("*") if f.is_file())
        before = process.memory_info().rss
        began = time.perf_counter()
        index = indexed(catalogue, Path(folder))
        loaded_s = time.perf_counter() - began
    wall_ms, busy_ms = _took_ms(index)
    memory = process.memory_info().rss
    print(f"{SCENARIOS} scenarios with {len(index.texts)} examples and titles")
    print(f"index: built in {built_s.strip()} s, loaded in {loaded_s:.2f} s, ", end="")
    print(f"{size / _MIB:.0f} MiB on disk")
    print(f"memory: {(memory - before) / _MIB:.0f} MiB with the index and what searching loads, ")
    print(f"  of {memory / _MIB:.0f} MiB of the process with the catalogue")
    print(f"a ranking, of {len(wall_ms)}; the goal is p99 < {GOAL_P99_MS:.0f} ms:")
    for name, took_ms in (("by the clock", wall_ms), ("of the processor", busy_ms)):
        p50, p99 = took_ms[len(took_ms) // 2], took_ms[int(len(took_ms) * 0.99)]
        print(f"  {name}: p50 {p50:.2f} ms, p99 {p99:.2f} ms, most {took_ms[-1]:.2f} ms")


def _took_ms(index: Index) -> tuple[list[float], list[float]]:
    """What each ranking took, sorted: by the clock, and of the processor's time, which a machine
    that is busy with other things lengthens less.
    """
    queries = [row.text for row in labelled.read(labelled.SHIPPED)]
    wall: list[float] = []
    busy: list[float] = []
    for query in queries[:100]:  # loads what is loaded late
        rank(query, index)
    for query in queries * ROUNDS:
        began, busy_from = time.perf_counter(), time.thread_time()
        rank(query, index)
        busy.append((time.thread_time() - busy_from) * 1_000)
        wall.append((time.perf_counter() - began) * 1_000)
    return sorted(wall), sorted(busy)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else None)
