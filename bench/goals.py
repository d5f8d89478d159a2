"""What the figures of a run come to: ratios within each round, and the goals for them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from bench.result import Measured
from bench.rounds import Sample

Figure = Callable[[Measured], float]


@dataclass(frozen=True)
class Span:
    """The least, middle and greatest of a figure over the rounds; NaN of no round."""

    low: float
    middle: float
    high: float

    def __bool__(self) -> bool:
        return not math.isnan(self.middle)


def span(values: Sequence[float]) -> Span:
    """The span of what is known of the values."""
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return Span(math.nan, math.nan, math.nan)
    return Span(min(known), median(known), max(known))


def figures(samples: Sequence[Sample], mode: str, target: str, figure: Figure) -> Span:
    """A figure of one target under one mode."""
    return span([figure(one) for one in _rounds(samples, mode, target).values()])


def ratios(samples: Sequence[Sample], mode: str, target: str, other: str, figure: Figure) -> Span:
    """The figure of `target` over that of `other`, formed within each round."""
    ours, theirs = _rounds(samples, mode, target), _rounds(samples, mode, other)
    return span(
        [
            figure(ours[number]) / figure(theirs[number])
            for number in ours
            if number in theirs and figure(theirs[number])
        ]
    )


def added_ms(samples: Sequence[Sample], target: str) -> Span:
    """The time to the first token that a target adds to the upstream's own, p50."""
    ours, bare = _rounds(samples, "ttft", target), _rounds(samples, "ttft", "direct")
    return span([ours[n].ttft_p50_ms - bare[n].ttft_p50_ms for n in ours if n in bare])


def added_by_a_call(samples: Sequence[Sample], target: str, figure: Figure) -> Span:
    """What a turn with one call has more of a figure than a turn without."""
    with_it, without = _rounds(samples, "tools", target), _rounds(samples, "ttft", target)
    return span([figure(with_it[n]) - figure(without[n]) for n in with_it if n in without])


def _rounds(samples: Sequence[Sample], mode: str, target: str) -> dict[int, Measured]:
    return {one.round: one.measured for one in samples if one.mode == mode and one.target == target}


def per_cpu(measured: Measured) -> float:
    """Content tokens per CPU-second of the server."""
    return measured.tokens_per_cpu_s


def ttft(measured: Measured) -> float:
    """Time to the first token, p50, milliseconds."""
    return measured.ttft_p50_ms


def turn_ms(measured: Measured) -> float:
    """CPU milliseconds of the server for each turn."""
    return 1000 * measured.cpu_s / measured.requests if measured.requests else math.nan


def gap(measured: Measured) -> float:
    """Time between two reads with tokens, p99, milliseconds."""
    return measured.gap_p99_ms


def memory(measured: Measured) -> float:
    """KiB of resident memory for each open stream."""
    return measured.kib_per_stream


@dataclass(frozen=True)
class Goal:
    """A bound on the middle of a figure."""

    about: str
    unit: str
    bound: float
    at_least: bool
    of: Callable[[Sequence[Sample]], Span]

    def met(self, samples: Sequence[Sample]) -> bool | None:
        """None where the run did not measure it."""
        found = self.of(samples)
        if not found:
            return None
        return found.middle >= self.bound if self.at_least else found.middle <= self.bound


def _ratio(mode: str, other: str, figure: Figure) -> Callable[[Sequence[Sample]], Span]:
    return lambda samples: ratios(samples, mode, "talkwire", other, figure)


def _own(mode: str, figure: Figure) -> Callable[[Sequence[Sample]], Span]:
    return lambda samples: figures(samples, mode, "talkwire", figure)


GOALS = (
    Goal("paced: tokens per CPU-second", "× naive", 5, True, _ratio("paced", "naive", per_cpu)),
    Goal("paced: tokens per CPU-second", "× nginx", 0.30, True, _ratio("paced", "nginx", per_cpu)),
    Goal("burst: tokens per CPU-second", "× naive", 14, True, _ratio("burst", "naive", per_cpu)),
    Goal("burst: tokens per CPU-second", "× nginx", 0.16, True, _ratio("burst", "nginx", per_cpu)),
    Goal("time to first token, p50", "× naive", 0.60, False, _ratio("ttft", "naive", ttft)),
    Goal("paced: gap between tokens, p99", "ms", 25, False, _own("paced", gap)),
    Goal("memory of an open slow stream", "KiB", 40, False, _own("open", memory)),
)
