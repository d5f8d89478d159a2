"""All figures that only grow, each with its labels and what it means."""

from __future__ import annotations

from functools import partial
from typing import Any, Self

from prometheus_client.metrics import Counter, Gauge, Histogram, MetricWrapperBase
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import CollectorRegistry

from talkwire.telemetry.gaps import Gaps

_FIRST_S = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60)
_TURN_S = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600)
_TOOL_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_STORE_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
_HTTP_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
_UNITS = (1, 2, 5, 10, 20, 50, 100, 250, 500, 1000)
_GAPS_MS = (1, 2, 5, 10, 20, 30, 50, 75, 100, 150, 250, 500, 1000, 2500, 10_000)


class _Remembering(MetricWrapperBase):
    """Finds the figure of known labels at once: the library makes texts of them and takes a lock,
    which is a good part of what a turn pays for its figures. They are few, as labels are.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        self._known: dict[tuple[object, ...], Self] = {}
        super().__init__(*given, **named)

    def labels(self, *values: object, **named: object) -> Self:
        """As the library's."""
        known = None if named else self._known.get(values)
        if known is None:
            known = super().labels(*values, **named)
            if not named:
                self._known[values] = known
        return known


class _Counter(_Remembering, Counter):
    """A counter that remembers."""


class _Histogram(_Remembering, Histogram):
    """A histogram that remembers."""


class Instruments:
    """One of each for a registry, which belongs to one application."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._counter = partial(_Counter, namespace="talkwire", registry=registry)
        self._histogram = partial(_Histogram, namespace="talkwire", registry=registry)
        self.build = Gauge(
            "build_info",
            "1, with the version that runs.",
            ["version", "python"],
            namespace="talkwire",
            registry=registry,
        )
        self._turns(registry)
        self._work()
        self._edges()
        ProcessCollector(registry=registry)

    def _turns(self, registry: CollectorRegistry) -> None:
        counter, histogram = self._counter, self._histogram
        self.turns = counter("turns", "Turns that ended.", ["wire", "status"])
        self.turn_errors = counter("turn_errors", "Turns that failed, by the code.", ["code"])
        self.adopted = counter(
            "turns_adopted", "Turns that ended after another process had begun them.", ["wire"]
        )
        self.messages = counter(
            "messages", "Messages that the turns left in sessions.", ["wire", "model", "role"]
        )
        self.tokens = counter(
            "tokens",
            "Tokens of the turns that ended, told by the provider or estimated here.",
            ["wire", "model", "direction", "source"],
        )
        self.cost = counter("cost", "What those tokens cost, where prices are known.", ["model"])
        self.agents = counter("agent_turns", "Turns that an agent was asked for.", ["agent"])
        self.speech = counter("speech", "Answers that were spoken, or failed to be.", ["outcome"])
        self.first_token = histogram(
            "time_to_first_token_seconds",
            "From the acceptance of a turn to its first piece of text or thinking.",
            ["model"],
            buckets=_FIRST_S,
        )
        self.turn_time = histogram(
            "turn_seconds", "From the acceptance of a turn to its end.", ["wire"], buckets=_TURN_S
        )
        self.gaps = Gaps(
            "talkwire_inter_token_gap_seconds",
            "Between two pieces of text of one answer, as they were taken from the model.",
            "model",
            _GAPS_MS,
        )
        registry.register(self.gaps)

    def _work(self) -> None:
        counter, histogram = self._counter, self._histogram
        self.attempts = counter(
            "model_attempts_failed", "Attempts at a model that were followed by another.", ["model"]
        )
        self.fallovers = counter(
            "model_fallovers", "Answers that were taken over from this model.", ["model"]
        )
        self.tool_time = histogram(
            "tool_seconds", "From a tool's call to its result.", ["tool"], buckets=_TOOL_S
        )
        self.tool_calls = counter("tool_calls", "Calls of tools.", ["tool", "outcome"])

    def _edges(self) -> None:
        counter, histogram = self._counter, self._histogram
        self.requests = counter(
            "http_requests", "Requests that were answered.", ["method", "route", "status"]
        )
        self.request_errors = counter("http_errors", "Answers that were errors.", ["code"])
        self.request_time = histogram(
            "http_request_seconds",
            "From a request to the head of its answer.",
            ["route"],
            buckets=_HTTP_S,
        )
        self.store_time = histogram(
            "store_seconds", "What the database took.", ["operation"], buckets=_STORE_S
        )
        self.store_failures = counter(
            "store_failures", "Times that the database did not answer.", ["operation"]
        )
        self.commit_units = histogram(
            "store_commit_units", "Units of work that one commit stored.", buckets=_UNITS
        )
        self.redis_time = histogram(
            "redis_seconds", "What Redis took for a command.", buckets=_STORE_S
        )
        self.redis_failures = counter("redis_failures", "Commands that Redis did not answer.")
        self.spans = counter(
            "trace_spans", "Spans of traces that were sent, or dropped.", ["outcome"]
        )
        self.lost_traces = counter(
            "traces_dropped", "Turns whose trace found no room to wait in, or cannot be told."
        )
