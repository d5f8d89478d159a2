"""One server that is killed again and again: `python -m tests.chaos one`, for any machine.

With `--controls` it also switches the two safety mechanisms off, one after the other, and
succeeds only if each run then finds faults: a check that cannot fail proves nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path

from tests.chaos.printing import Outcome, show
from tests.chaos.storm import Options, Storm


def main(given: argparse.Namespace) -> bool:
    """True when all is green, and each control is red."""
    options = Options(
        seed=given.seed,
        kills=given.kills if given.kills is not None else 200,
        zombies=given.zombies if given.zombies is not None else max(1, (given.kills or 200) // 13),
        seconds=given.seconds or 900,
        turns=given.turns or 8,
        readers=given.readers,
        on_lost=given.on_lost or "auto",
    )
    good = _run(options, "all mechanisms on").green
    if given.controls:
        few = replace(options, kills=min(25, options.kills), zombies=0, seconds=90)
        good &= not _run(replace(few, write_ahead=False), "control: write-ahead off").green
        few = replace(options, kills=0, zombies=8, seconds=90)
        good &= not _run(replace(few, fence=False), "control: fence off").green
    return good


def _run(options: Options, title: str) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="talkwire-chaos-") as folder:
        storm = Storm(options, Path(folder))
        verdict = asyncio.run(storm.go())
    outcome = Outcome(
        f"{title} · seed {options.seed} · on_lost {options.on_lost}",
        verdict,
        [
            ("kill -9", storm.killed),
            ("frozen past their time, then woken", storm.frozen),
            ("seconds", f"{storm.seconds:.0f}"),
            ("turns", len({t.asked.key for t in storm.transcripts})),
            ("readers", len(storm.transcripts)),
            ("model calls", storm.calls),
        ],
    )
    show(outcome)
    return outcome
