"""The names and labels of all figures that a server may tell, as its registry has them."""

from __future__ import annotations

from functools import cache

from talkwire.canon.models import Standing
from talkwire.telemetry.gauges import Now
from talkwire.telemetry.metrics import Metrics


@cache
def figures() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Each with its type and its labels."""
    metrics = Metrics(version="1", wires=(), models=lambda: (), tools=lambda: (), agents=lambda: ())
    labels = {
        each._name: tuple(each._labelnames)
        for each in vars(metrics.of).values()
        if hasattr(each, "_labelnames")
    }
    labels[metrics.of.gaps._name] = (metrics.of.gaps._label,)
    metrics.watch(lambda: Now(redis=True, models=[Standing("a", "b", latency_ms=1)]))
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for family in metrics.registry.collect():
        told = labels.get(family.name)
        if told is None:
            told = tuple(family.samples[0].labels) if family.samples else ()
        name = f"{family.name}_total" if family.type == "counter" else family.name
        found[name] = (family.type, told)
    return found
