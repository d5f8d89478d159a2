"""What one load of one target gave. Plain values, as JSON between the processes of a run."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Measured:
    """Figures of the measuring window; streams are judged over the whole load.

    `cpu_s` is user and system time of the target's process tree in the window, `others_cpu_s` what
    else its CPU did then, `rss_*` its resident memory. Times to the first token of streams that
    had none when the window closed count as the time waited so far. A figure without a sample is
    NaN.
    """

    tokens: int
    window_s: float
    streams_ok: int
    streams_failed: int
    reasons: list[str]
    requests: int
    ttft_p50_ms: float
    ttft_p99_ms: float
    gap_p50_ms: float
    gap_p99_ms: float
    tokens_per_read: float
    max_open: int
    cpu_s: float
    rss_before_kib: float
    rss_peak_kib: float
    others_cpu_s: float = math.nan

    @property
    def tokens_per_cpu_s(self) -> float:
        """Content tokens per second of the target's CPU."""
        return self.tokens / self.cpu_s if self.cpu_s > 0 else math.nan

    @property
    def cpu_share(self) -> float:
        """How much of one core the target used, 1.0 being all of it."""
        return self.cpu_s / self.window_s

    @property
    def kib_per_stream(self) -> float:
        """Growth of the resident memory for each stream that was open at once."""
        if not self.max_open:
            return math.nan
        return (self.rss_peak_kib - self.rss_before_kib) / self.max_open

    def dump(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))


def load(line: str) -> Measured:
    """The inverse of `Measured.dump`."""
    return Measured(**json.loads(line))


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest rank; NaN of no values."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]
