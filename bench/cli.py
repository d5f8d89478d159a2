"""The command line of the benchmark: what to run, and where the page goes."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.children import NotReady, cpus
from bench.machine import machine, versions
from bench.modes import Mode, modes
from bench.report import Circumstances, render
from bench.rounds import Bench, Broken, Sample, available
from bench.targets import ROOT, TARGETS

PAGE = ROOT / "docs" / "performance.md"
_DESCRIPTION = """\
Measures Talkwire beside the server a user would write without it, and beside nginx where that is
installed, interleaved in one run. A full run takes about ten minutes and writes
docs/performance.md; a quick or partial one only prints its page, unless --out says where to
write it.
"""
_EXIT = """\
Exit status: 0; 1 where a stream had an error or a target did not run; 2 for wrong arguments.
For a profile, --keep prints the process id of each target as its load begins.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark; returns the exit status."""
    asked = _parser().parse_args(argv)
    every = modes(quick=asked.quick)
    chosen = [every[name] for name in asked.modes]
    targets, missing = available(asked.targets)
    for name, why in missing.items():
        say(f"without {name}: {why}")
    busy = _load_average()
    begun = time.monotonic()
    try:
        samples = Bench(say=say, keep=asked.keep).run(
            rounds=asked.rounds or (1 if asked.quick else 3), modes=chosen, targets=targets
        )
    except (Broken, NotReady) as broken:
        print(broken, file=sys.stderr)
        return 1
    say(f"took {time.monotonic() - begun:.0f} s")
    how = Circumstances(
        date=datetime.now(UTC).date().isoformat(),
        command=_command(argv),
        machine=machine(),
        versions=versions(),
        pinning=str(cpus()),
        busy=f"{busy}, {_load_average()}",
        missing=missing,
    )
    _publish(samples, chosen, how, _destination(asked, missing))
    return _verdict(samples)


def say(line: str) -> None:
    """Progress, at once."""
    print(line, file=sys.stderr, flush=True)


def _destination(asked: argparse.Namespace, missing: dict[str, str]) -> Path | None:
    """A page that stays must hold a full run of Talkwire."""
    if asked.out is not None:
        return Path(asked.out)
    able = set(asked.targets) - set(missing)
    partial = asked.quick or (asked.rounds or 3) < 3 or set(asked.modes) != set(modes(quick=False))
    return None if partial or not {"talkwire", "naive"} <= able else PAGE


def _publish(
    samples: Sequence[Sample], chosen: Sequence[Mode], how: Circumstances, out: Path | None
) -> None:
    page = render(samples, chosen, how)
    if out is None:
        print(page)
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page)
    say(f"wrote {out}")


def _verdict(samples: Sequence[Sample]) -> int:
    failed = sum(one.measured.streams_failed for one in samples)
    if failed:
        print(f"{failed} streams had an error: the figures are not valid", file=sys.stderr)
    return 1 if failed else 0


def _command(argv: Sequence[str] | None) -> str:
    return " ".join(["python -m bench", *(sys.argv[1:] if argv is None else argv)])


def _load_average() -> str:
    return f"{os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else "unknown"


def _names_of(known: Sequence[str]) -> Callable[[str], list[str]]:
    def names(text: str) -> list[str]:
        found = text.split(",")
        unknown = [name for name in found if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(known)}")
        return found

    return names


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=_DESCRIPTION,
        epilog=_EXIT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    every = list(modes(quick=False))
    parser.add_argument("--rounds", type=int, help="default 3, with --quick 1")
    parser.add_argument(
        "--modes",
        type=_names_of(every),
        default=every,
        metavar="A,B",
        help=f"of {', '.join(every)}; default all",
    )
    parser.add_argument(
        "--targets",
        type=_names_of(list(TARGETS)),
        default=list(TARGETS),
        metavar="A,B",
        help=f"of {', '.join(TARGETS)}; default all",
    )
    parser.add_argument("--quick", action="store_true", help="about a minute, too noisy to quote")
    parser.add_argument("--out", metavar="FILE", help="where the page goes")
    parser.add_argument("--keep", action="store_true", help="print each target's process id")
    return parser
