"""Turns as traces, sent to a collector by OTLP over HTTP.

A turn that has ended is put into a queue that has bounds; a thread makes its spans and sends them.
No turn waits for that: what finds no room, or cannot be sent, is dropped, counted and told once.
The library is loaded by `begin`: most servers have no collector.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from queue import Empty, Full, Queue
from time import monotonic
from typing import TYPE_CHECKING, Any

import structlog
from msgspec import Struct, structs

from talkwire.canon.events import AudioDelta, Stamped
from talkwire.canon.fold import TurnState

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from talkwire.telemetry.spans import Span

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_MOST_WAITING = 256  # turns, with all their events
_MOST_AT_ONCE = 64
_GATHER_S = 1.0
_EXPORT_S = 10.0
_NS = 1_000_000  # of a millisecond
_log = structlog.get_logger("talkwire.traces")

Count = Callable[[str, int], None]
"""Told of so many spans that were `exported` or `dropped`, and of a turn that was `refused`."""


class Target(Struct, frozen=True):
    """Where traces go, and which: `ratio` is the share of those that nobody has decided on."""

    endpoint: str
    headers: Mapping[str, str] = {}
    ratio: float = 1.0
    service: str = "talkwire"
    version: str = ""


class Traces:
    """`provider` names who has the model of a name. `begin` it before use, and `close` it."""

    def __init__(
        self,
        target: Target,
        *,
        provider: Callable[[str], str],
        count: Count,
        gather_s: float = _GATHER_S,
    ) -> None:
        self._target = target
        self._provider = provider
        self._count = count
        self._gather_s = gather_s
        self._waiting: Queue[tuple[TurnState, Sequence[Stamped]] | None] = Queue(_MOST_WAITING)
        self._thread: threading.Thread | None = None
        self._exporter: Any = None
        self._well = True

    def begin(self) -> None:
        """Load the library and start the thread. Blocks.

        :raises ImportError: the extra `traces` is not installed.
        """
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        # It would tell of each attempt; we tell of the first one that was in vain.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self._exporter = OTLPSpanExporter(
            self._target.endpoint,
            headers=dict(self._target.headers),
            timeout=_EXPORT_S,
        )
        self._thread = threading.Thread(target=self._send_on, name="talkwire-traces", daemon=True)
        self._thread.start()

    def turn_ended(self, turn: TurnState, events: Sequence[Stamped]) -> None:
        """Have the turn sent, if there is room for it; nothing, where nobody sends."""
        if self._thread is None:
            return
        if turn.audio != "none":  # no span needs what was heard, which may be megabytes
            events = [_silent(stamped) for stamped in events]
        try:
            self._waiting.put_nowait((turn, events))
        except Full:
            self._count("refused", 1)
            self._tell("too many are waiting")

    def close(self, timeout_s: float) -> None:
        """Send what is waiting, for so long at most. Blocks."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        until = monotonic() + timeout_s
        try:
            self._waiting.put(None, timeout=timeout_s)
        except Full:
            return
        thread.join(max(until - monotonic(), 0))
        self._exporter.shutdown()

    def _send_on(self) -> None:
        """The thread."""
        spans: list[ReadableSpan] = []
        tracer = _tracer(self._target, spans)
        ending = False
        while not ending:
            turns, ending = self._gathered()
            for turn, events in turns:
                try:
                    _emit(tracer, turn, events, self._provider)
                except Exception as error:  # one turn's trace is lost, and not all that come later
                    self._count("refused", 1)
                    self._tell(f"a turn cannot be told ({type(error).__name__})")
            if spans:
                self._export(spans)
                spans.clear()

    def _gathered(self) -> tuple[list[tuple[TurnState, Sequence[Stamped]]], bool]:
        """What comes within a while of the first, and whether it is the last."""
        turns: list[tuple[TurnState, Sequence[Stamped]]] = []
        until: float | None = None
        while len(turns) < _MOST_AT_ONCE:
            try:
                left_s = None if until is None else max(until - monotonic(), 0)
                ended = self._waiting.get(timeout=left_s)
            except Empty:
                break
            if ended is None:
                return turns, True
            turns.append(ended)
            until = until or monotonic() + self._gather_s
        return turns, False

    def _export(self, spans: list[ReadableSpan]) -> None:
        from opentelemetry.sdk.trace.export import SpanExportResult

        well = self._exporter.export(list(spans)) is SpanExportResult.SUCCESS
        self._count("exported" if well else "dropped", len(spans))
        if not well:
            self._tell("the collector does not take them")
        elif not self._well:
            self._well = True
            _log.info("traces.sent_again")

    def _tell(self, why: str) -> None:
        if self._well:
            self._well = False
            _log.warning("traces.dropped", reason=why, hint="Not told again until some are sent.")


def _silent(stamped: Stamped) -> Stamped:
    if isinstance(stamped.event, AudioDelta):
        return structs.replace(stamped, event=structs.replace(stamped.event, data=""))
    return stamped


def _tracer(target: Target, spans: list[ReadableSpan]) -> Any:
    """A tracer whose spans are put into the list when they end."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    class Kept(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            spans.append(span)

    told = {"service.name": target.service, "service.version": target.version}
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(target.ratio)),
        resource=Resource.create(told),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(Kept())
    return provider.get_tracer("talkwire", target.version)


def _emit(
    tracer: Any, turn: TurnState, events: Sequence[Stamped], provider: Callable[[str], str]
) -> None:
    from talkwire.telemetry.spans import tree

    _start(tracer, tree(turn, events, provider), _parent(turn.asked.traceparent), root=True)


def _start(tracer: Any, span: Span, within: Any, *, root: bool = False) -> None:
    from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

    kind = SpanKind.SERVER if root else SpanKind.INTERNAL
    kind = SpanKind.CLIENT if span.name.startswith("chat ") else kind
    made = tracer.start_span(
        span.name,
        context=within,
        kind=kind,
        attributes=span.attributes,
        start_time=span.began * _NS,
    )
    for name, at, attributes in span.points:
        made.add_event(name, attributes, timestamp=at * _NS)
    if span.error:
        made.set_status(Status(StatusCode.ERROR, span.error))
    for child in span.children:
        _start(tracer, child, set_span_in_context(made, within))
    made.end(span.ended * _NS)


def _parent(traceparent: str) -> Any:
    """The context that a request came with; an empty one where it had none."""
    from opentelemetry import trace
    from opentelemetry.context import Context

    found = _TRACEPARENT.fullmatch(traceparent)
    if found is None:
        return Context()
    trace_id, span_id = int(found[2], 16), int(found[3], 16)
    flags = trace.TraceFlags(int(found[4], 16) & trace.TraceFlags.SAMPLED)
    parent = trace.SpanContext(trace_id, span_id, is_remote=True, trace_flags=flags)
    return trace.set_span_in_context(trace.NonRecordingSpan(parent), Context())
