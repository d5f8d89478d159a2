"""The way to the collector: bounded, apart from the turns, and closed in time."""

from __future__ import annotations

import threading
from collections import Counter
from time import monotonic
from typing import Any

from opentelemetry.sdk.trace.export import SpanExportResult

from talkwire.canon.events import AgentStarted, AnyEvent, AudioCompleted, AudioDelta, TextDelta
from talkwire.telemetry.traces import Target, Traces
from tests.telemetry.turns import DONE, plain, route, turn


class Exporter:
    """Stands for the way over the network; `hold` keeps it from answering."""

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []
        self.go_on = threading.Event()
        self.go_on.set()
        self.began = threading.Event()
        self.well = True
        self.is_shut = False

    def export(self, spans: list[Any]) -> SpanExportResult:
        self.began.set()
        self.go_on.wait(20)
        self.batches.append(spans)
        return SpanExportResult.SUCCESS if self.well else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        self.is_shut = True


class Sending:
    """Traces that have begun, with an exporter of the test's."""

    def __init__(self, ratio: float = 1.0) -> None:
        self.counted: Counter[str] = Counter()
        self.exporter = Exporter()
        target = Target("http://127.0.0.1:9", ratio=ratio, version="1")
        self.traces = Traces(target, provider=lambda _: "openai", count=self.count, gather_s=0.01)
        self.traces.begin()
        self.traces._exporter = self.exporter

    def count(self, outcome: str, count: int) -> None:
        self.counted[outcome] += count


def test_what_is_waiting_is_sent_before_the_end() -> None:
    sending = Sending()
    for n in range(5):
        sending.traces.turn_ended(*plain(turn_id=f"t_{n}"))

    sending.traces.close(10)

    sent = [span.name for batch in sending.exporter.batches for span in batch]
    assert Counter(sent) == {"invoke_agent assistant": 5, "chat large": 5}
    assert sending.counted == {"exported": 10}
    assert sending.exporter.is_shut


def test_a_collector_that_is_silent_costs_nobody_anything() -> None:
    sending = Sending()
    sending.exporter.go_on.clear()
    sending.traces.turn_ended(*plain())
    assert sending.exporter.began.wait(10)
    ended = plain()

    for _ in range(1000):
        sending.traces.turn_ended(*ended)

    assert 700 <= sending.counted["refused"] < 1000, "the queue has bounds"
    sending.exporter.go_on.set()
    sending.traces.close(10)
    assert sending.counted["refused"] + sending.counted["exported"] // 2 == 1001


def test_the_end_waits_so_long_and_no_longer() -> None:
    sending = Sending()
    sending.exporter.go_on.clear()
    sending.traces.turn_ended(*plain())
    assert sending.exporter.began.wait(10)
    began = monotonic()

    sending.traces.close(0.05)

    assert monotonic() - began < 15
    sending.exporter.go_on.set()


def test_what_the_collector_does_not_take_is_counted_as_dropped() -> None:
    sending = Sending()
    sending.exporter.well = False
    sending.traces.turn_ended(*plain())
    sending.traces.close(10)

    assert sending.counted == {"dropped": 2}


def test_a_share_of_turns_is_none_of_them_where_it_is_0() -> None:
    sending = Sending(ratio=0.0)
    sending.traces.turn_ended(*plain())
    sending.traces.turn_ended(*plain(traceparent=f"00-{'a' * 32}-{'b' * 16}-01"))
    sending.traces.close(10)

    (batch,) = sending.exporter.batches
    assert {format(span.context.trace_id, "x") for span in batch} == {"a" * 32}


def test_closing_what_has_not_begun_is_nothing() -> None:
    Traces(Target("http://x"), provider=str, count=lambda *_: None).close(1)


def test_a_turn_that_cannot_be_told_is_counted_and_ends_no_other_s_trace() -> None:
    sending = Sending()
    began = [(2, AgentStarted(f"a{n}", "Deep")) for n in range(2_000)]  # each within the one before
    sending.traces.turn_ended(*turn((1, route()), *began, (3, DONE), turn_id="t_deep"))
    sending.traces.turn_ended(*plain())

    sending.traces.close(10)

    sent = {span.name for batch in sending.exporter.batches for span in batch}
    assert "chat large" in sent
    assert sending.counted["refused"] == 1


def test_speech_does_not_wait_with_the_turn_that_it_is_of() -> None:
    sending = Sending()
    sending.exporter.go_on.clear()
    sending.traces.turn_ended(*plain())
    assert sending.exporter.began.wait(10)
    spoken: list[tuple[int, AnyEvent]] = [
        (2, AudioDelta("audio/mpeg", "A" * 100_000)),
        (3, AudioCompleted("v", 300)),
    ]

    sending.traces.turn_ended(*turn((1, route()), (1, TextDelta("Hi")), *spoken, (4, DONE)))

    waiting = sending.traces._waiting.get_nowait()
    assert waiting is not None
    assert [each.n for each in waiting[1]] == [0, 1, 2, 3, 4, 5]
    assert waiting[1][3].event == AudioDelta("audio/mpeg", "")
    sending.exporter.go_on.set()
    sending.traces.close(10)


def test_no_turn_is_kept_where_nobody_sends() -> None:
    counted: list[object] = []
    traces = Traces(Target("http://x"), provider=str, count=lambda *told: counted.append(told))

    for _ in range(300):  # the library is not there, or it has ended
        traces.turn_ended(*plain())

    assert traces._waiting.empty()
    assert counted == []
