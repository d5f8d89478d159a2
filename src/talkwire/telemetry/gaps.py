"""A histogram that takes many values at once, as the tokens of a whole turn are."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

from prometheus_client.metrics_core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector


class Gaps(Collector):
    """Milliseconds in, seconds out. `bounds_ms` are the buckets' upper ends, in order."""

    def __init__(self, name: str, documentation: str, label: str, bounds_ms: Sequence[int]) -> None:
        self._name = name
        self._documentation = documentation
        self._label = label
        self._bounds_ms = tuple(bounds_ms)
        self._counts: dict[str, list[int]] = {}
        self._sums: dict[str, int] = {}

    def add(self, value: str, gaps_ms: Mapping[int, int]) -> None:
        """So many gaps of so many milliseconds; a clock that was put back has made none."""
        if not gaps_ms:
            return
        counts = self._counts.setdefault(value, [0] * (len(self._bounds_ms) + 1))
        total = 0
        for gap, times in gaps_ms.items():
            counts[bisect_left(self._bounds_ms, gap)] += times
            total += max(gap, 0) * times
        self._sums[value] = self._sums.get(value, 0) + total

    def describe(self) -> Iterable[Metric]:
        """The name, without values."""
        yield self._family()

    def collect(self) -> Iterable[Metric]:
        """All values so far."""
        family = self._family()
        ends = [*(str(bound / 1000) for bound in self._bounds_ms), "+Inf"]
        for value, counts in list(self._counts.items()):
            below, buckets = 0, []
            for end, count in zip(ends, list(counts), strict=True):
                below += count
                buckets.append((end, below))
            family.add_metric([value], buckets, self._sums.get(value, 0) / 1000)
        yield family

    def _family(self) -> HistogramMetricFamily:
        return HistogramMetricFamily(self._name, self._documentation, labels=[self._label])
