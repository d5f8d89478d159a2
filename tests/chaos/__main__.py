"""`python -m tests.chaos`: kill the server at random and count what its readers saw.

With `--controls` it also switches the two safety mechanisms off, one after the other, and
succeeds only if each run then finds faults: a check that cannot fail proves nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.chaos.storm import Options, Storm
from tests.chaos.verdict import Verdict


def main(argv: Sequence[str] | None = None) -> int:
    given = _arguments().parse_args(argv)
    options = Options(
        seed=given.seed,
        kills=given.kills,
        zombies=given.zombies if given.zombies is not None else max(1, given.kills // 13),
        seconds=given.seconds,
        turns=given.turns,
        readers=given.readers,
        on_lost=given.on_lost,
    )
    good = _run(options, "all mechanisms on").green
    if given.controls:
        few = replace(options, kills=min(25, options.kills), zombies=0, seconds=90)
        good &= not _run(replace(few, write_ahead=False), "control: write-ahead off").green
        few = replace(options, kills=0, zombies=8, seconds=90)
        good &= not _run(replace(few, fence=False), "control: fence off").green
    return 0 if good else 1


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=200, help="how many kill -9")
    parser.add_argument("--zombies", type=int, help="how many freezes (default: kills / 13)")
    parser.add_argument("--seconds", type=float, default=900, help="no more blows after that")
    parser.add_argument("--turns", type=int, default=8, help="turns at a time")
    parser.add_argument("--readers", type=int, default=5, help="readers of each turn")
    parser.add_argument("--on-lost", choices=["auto", "continue", "fail"], default="auto")
    parser.add_argument("--controls", action="store_true", help="also prove that it can fail")
    return parser


def _run(options: Options, title: str) -> Verdict:
    with tempfile.TemporaryDirectory(prefix="talkwire-chaos-") as folder:
        storm = Storm(options, Path(folder))
        verdict = asyncio.run(storm.go())
    _print(storm, verdict, title)
    return verdict


def _print(storm: Storm, verdict: Verdict, title: str) -> None:
    options, times = storm.options, sorted(verdict.times_s)
    table = Table(title=f"{title} · seed {options.seed} · on_lost {options.on_lost}")
    table.add_column("counted")
    table.add_column("", justify="right")
    turns = len({t.asked.key for t in storm.transcripts})
    rows: list[tuple[str, object]] = [
        ("kill -9", storm.killed),
        ("frozen past their time, then woken", storm.frozen),
        ("seconds", f"{storm.seconds:.0f}"),
        ("turns", turns),
        ("readers", len(storm.transcripts)),
        ("connections", verdict.connections),
        ("gave up: no id in the window of a GET", verdict.gave_up),
        ("frames read", verdict.frames),
        ("model calls", storm.calls),
        *((f"turns that ended with {kind}", n) for kind, n in sorted(verdict.endings.items())),
        ("time to terminal p50 / p99", f"{_quantile(times, 50)} / {_quantile(times, 99)} s"),
        *((kind, verdict.faults[kind]) for kind in ("lost", "doubled", "reordered", "changed")),
        ("not exactly one terminal", verdict.faults["terminals"]),
        ("stuck", verdict.faults["stuck"]),
        ("other faults", sum(verdict.faults[k] for k in verdict.faults.keys() - _TOLD)),
    ]
    for name, value in rows:
        table.add_row(name, str(value))
    console = Console(width=100)
    console.print(table)
    console.print("green" if verdict.green else f"RED: {dict(verdict.faults)}")
    for note in verdict.notes[:10]:
        console.print(f"  {note}", markup=False)


_TOLD = {"lost", "doubled", "reordered", "changed", "terminals", "stuck"}


def _quantile(times: list[float], percent: int) -> str:
    if len(times) < 2:
        return "–"
    return f"{statistics.quantiles(times, n=100, method='inclusive')[percent - 1]:.2f}"


if __name__ == "__main__":
    sys.exit(main())
