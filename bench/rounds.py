"""Runs the targets one after another, A B C, A B C, under each mode, and keeps what each gave."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import result
from bench.children import Cpus, cpus, free_port, last_lines, pinned, running
from bench.frames import Recipe
from bench.modes import Mode
from bench.result import Measured
from bench.targets import ROOT, TARGETS, Missing, Ports, Target, direct, environment, with_tools

_SLACK_S = 60.0


class Broken(Exception):
    """A load that gave no figures; the message says which and why."""


@dataclass(frozen=True)
class Sample:
    """One target under one mode in one round."""

    round: int
    mode: str
    target: str
    measured: Measured


def available(names: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The targets that can run here, and for the others why not."""
    able: list[str] = []
    missing: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            try:
                TARGETS[name](Ports(0, 0), Path(folder))
            except Missing as why:
                missing[name] = str(why)
            else:
                able.append(name)
    return able, missing


class Bench:
    """One run: an upstream that stays, and a fresh process of each target for each load."""

    def __init__(self, *, say: Callable[[str], None], keep: bool = False) -> None:
        self._say = say
        self._keep = keep
        self._cpus: Cpus = cpus()

    def run(self, *, rounds: int, modes: Sequence[Mode], targets: Sequence[str]) -> list[Sample]:
        """All samples, in the order in which they were taken. Raises Broken and NotReady."""
        samples: list[Sample] = []
        with tempfile.TemporaryDirectory(prefix="bench-") as path:
            folder = Path(path)
            port = free_port()
            command = (sys.executable, "-m", "bench.upstream", "--port", str(port))
            env = {"PYTHONPATH": str(ROOT)}
            with running(command, port=port, cpu=self._cpus.load, env=env, folder=folder):
                for number in range(1, rounds + 1):
                    samples += self._round(number, modes, targets, port, folder)
        return samples

    def _round(
        self,
        number: int,
        modes: Sequence[Mode],
        targets: Sequence[str],
        upstream: int,
        folder: Path,
    ) -> Iterator[Sample]:
        for mode in modes:
            if mode.most_rounds is not None and number > mode.most_rounds:
                continue
            for name in _of(mode, targets):
                measured = self._one(name, mode, upstream, folder)
                self._say(f"round {number}  {line(mode.name, name, measured)}")
                yield Sample(number, mode.name, name, measured)

    def _one(self, name: str, mode: Mode, upstream: int, folder: Path) -> Measured:
        with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=folder) as path:
            ports = Ports(free_port(), upstream)
            if name == "direct":
                return self._load(direct(ports, Path(path)), mode, None)
            target = TARGETS[name](ports, Path(path))
            if mode.tools:
                target = with_tools(target)
            with running(
                target.command,
                port=ports.target,
                cpu=self._cpus.target,
                env=environment(target),
                folder=Path(path),
            ) as pid:
                if self._keep:
                    self._say(f"{name} under {mode.name}: pid {pid}")
                if mode.warm_connections:
                    self._load(target, _WARM, pid)
                measured = self._load(target, mode, pid)
            if measured.streams_failed:
                for log in Path(path).glob("*.log"):
                    self._say(f"the end of {log.name}:\n{last_lines(log)}")
            return measured

    def _load(self, target: Target, mode: Mode, pid: int | None) -> Measured:
        command = [sys.executable, "-m", "bench.load", *arguments(target, mode)]
        if pid is not None:
            command += ["--pid", str(pid)]
        limit = mode.warmup_s + mode.window_s + mode.drain_s + _SLACK_S
        with pinned(self._cpus.load):
            done = subprocess.run(
                command, capture_output=True, text=True, cwd=ROOT, timeout=limit, check=False
            )
        if done.returncode:
            last = done.stderr[-2000:]
            raise Broken(f"the load on {target.name} under {mode.name} failed:\n{last}")
        return result.load(done.stdout)


_WARM = Mode("warm", "before the memory is taken", Recipe(20), 50, warmup_s=0.5, window_s=1)


def _of(mode: Mode, targets: Sequence[str]) -> Iterator[str]:
    for name in targets:
        if not mode.targets or name in mode.targets:
            yield name
    if "direct" in mode.targets:
        yield "direct"


def arguments(target: Target, mode: Mode) -> list[str]:
    """The command line of `bench.load` for a target under a mode."""
    given = {
        "--url": target.url,
        "--body": target.ask(mode.recipe.name),
        "--stop": target.stop,
        "--end": target.end,
        "--expect": mode.recipe.tokens,
        "--slots": mode.slots_for(target.name),
        "--warmup": mode.warmup_s,
        "--window": mode.window_s,
        "--ramp": mode.ramp_s,
        "--drain": mode.drain_s,
    }
    words = [str(part) for pair in given.items() for part in pair]
    return [*words, "--once"] if mode.once else words


def line(mode: str, target: str, measured: Measured) -> str:
    """What one load gave, for the console."""
    failed = f"  FAILED {measured.streams_failed}: {measured.reasons}"
    return (
        f"{mode:<9} {target:<8} {measured.tokens_per_cpu_s:>9,.0f} tokens/CPU-s"
        f"  {measured.tokens / measured.window_s:>7,.0f} tokens/s"
        f"  cpu {measured.cpu_share:>4.0%}"
        f"  ttft p50 {measured.ttft_p50_ms:.2f} ms  gap p99 {measured.gap_p99_ms:.1f} ms"
        f"  open {measured.max_open}  {measured.kib_per_stream:.1f} KiB/stream"
        f"  {measured.streams_ok} streams" + (failed if measured.streams_failed else "")
    )
