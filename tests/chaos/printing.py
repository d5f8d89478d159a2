"""What came of a storm, as a table."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from tests.chaos.verdict import Verdict

TOLD = {"lost", "doubled", "reordered", "changed", "terminals", "stuck", "history"}
Row = tuple[str, object]


@dataclass
class Outcome:
    """A verdict with what was done, and `missed`: what the storm was to reach and did not."""

    title: str
    verdict: Verdict
    done: list[Row]
    missed: list[str] = field(default_factory=list)

    @property
    def green(self) -> bool:
        return self.verdict.green and not self.missed

    @property
    def why(self) -> str:
        """What is wrong, in a line."""
        return "; ".join([*self.missed, *(f"{k}: {n}" for k, n in self.verdict.faults.items())])


def show(outcome: Outcome) -> None:
    """Print it, with notes on what is wrong."""
    verdict = outcome.verdict
    console = Console(width=100)
    console.print(table(outcome.title, [*outcome.done, *rows(verdict)]))
    console.print("green" if outcome.green else f"RED: {outcome.why}", markup=False)
    for note in verdict.notes[:10]:
        console.print(f"  {note}", markup=False)


def table(title: str, rows: Sequence[Row]) -> Table:
    """Two columns."""
    made = Table(title=title)
    made.add_column("counted")
    made.add_column("", justify="right")
    for name, value in rows:
        made.add_row(name, str(value))
    return made


def rows(verdict: Verdict) -> list[Row]:
    """What was read and judged."""
    faults = verdict.faults
    return [
        ("connections", verdict.connections),
        ("frames read", verdict.frames),
        ("gave up: no id in the window of a GET", verdict.gave_up),
        *((f"borne: {kind}", n) for kind, n in sorted(verdict.troubles.items())),
        *((f"turns that ended with {kind}", n) for kind, n in sorted(verdict.endings.items())),
        *((f"turns that failed with {code}", n) for code, n in sorted(verdict.codes.items())),
        ("time to terminal p50 / p99", f"{quantiles(verdict.times_s)} s"),
        ("  without the answer's own length", f"{quantiles(verdict.waits_s)} s"),
        *((kind, faults[kind]) for kind in ("lost", "doubled", "reordered", "changed")),
        ("not exactly one terminal", faults["terminals"]),
        ("stuck", faults["stuck"]),
        ("history differs from the transcript", faults["history"]),
        ("other faults", sum(faults[kind] for kind in faults.keys() - TOLD)),
    ]


def quantile(times: Sequence[float], percent: int) -> float | None:
    """None where there are too few."""
    if len(times) < 2:
        return None
    return statistics.quantiles(times, n=100, method="inclusive")[percent - 1]


def quantiles(times: Sequence[float]) -> str:
    """p50 / p99."""
    found = (quantile(times, 50), quantile(times, 99))
    return " / ".join("–" if each is None else f"{each:.2f}" for each in found)
