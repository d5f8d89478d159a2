"""What is so just now, read when somebody asks and not counted along."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from talkwire.canon.models import Standing


class Now(Struct, frozen=True):
    """A server as it is just now. `redis` None: there is none. See `_PLAIN`."""

    sessions: int = 0
    running: int = 0
    waiting: int = 0
    streams: int = 0
    backlog: int = 0
    draining: bool = False
    redis: bool | None = None
    models: Sequence[Standing] = ()


_PLAIN = {
    "sessions_active": ("Sessions with a turn that has not ended.", "sessions"),
    "turns_running": ("Turns that have not ended, waiting ones too.", "running"),
    "turns_waiting": ("Turns that wait for the ones before them in their session.", "waiting"),
    "streams_open": ("Streams that are written just now.", "streams"),
    "journal_backlog_events": ("Events that are not stored yet.", "backlog"),
    "draining": ("1 once the server takes no new turns.", "draining"),
}


class Gauges(Collector):
    """Asks `read` once for each scrape. No I/O."""

    def __init__(self, read: Callable[[], Now]) -> None:
        self._read = read

    def describe(self) -> Iterable[Metric]:
        """The names, without values."""
        return self._families(Now(redis=True))

    def collect(self) -> Iterable[Metric]:
        """The values."""
        return self._families(self._read())

    def _families(self, now: Now) -> Iterable[Metric]:
        for name, (documentation, field) in _PLAIN.items():
            value = float(getattr(now, field))
            yield GaugeMetricFamily(f"talkwire_{name}", documentation, value=value)
        if now.redis is not None:
            told = "1 while Redis can be used."
            yield GaugeMetricFamily("talkwire_redis_up", told, value=float(now.redis))
        yield from _models(now.models)


def _models(standings: Sequence[Standing]) -> Iterable[Metric]:
    def family(name: str, documentation: str) -> GaugeMetricFamily:
        return GaugeMetricFamily(f"talkwire_model_{name}", documentation, labels=["model"])

    up = family("up", "1 while the model is asked; 0 while it is left alone, since it failed.")
    running = family("requests_running", "Requests to the model that have not ended.")
    errors = family("error_ratio", "The weighted share of requests that failed of late.")
    latency = family("latency_seconds", "The time to the model's first token of late.")
    for standing in standings:
        label = [standing.name]
        up.add_metric(label, float(standing.healthy))
        running.add_metric(label, standing.running)
        errors.add_metric(label, standing.error_rate)
        if standing.latency_ms is not None:
            latency.add_metric(label, standing.latency_ms / 1000)
    yield from (up, running, errors, latency)
