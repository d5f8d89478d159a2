"""One connection of the load and the stream on it, and the ledger in which all of them write."""

from __future__ import annotations

import asyncio
import uuid
from array import array
from dataclasses import dataclass, field
from time import perf_counter
from typing import cast
from urllib.parse import urlsplit

import httptools

from bench.tally import Tally

_REASONS_KEPT = 5


@dataclass(frozen=True)
class Plan:
    """What to ask for, how often and for how long; times in seconds."""

    url: str
    body: str
    stop: bytes
    end: bytes
    expect: int
    slots: int
    warmup_s: float
    window_s: float
    ramp_s: float = 0.0
    drain_s: float = 10.0
    once: bool = False
    pid: int | None = None

    def request(self) -> bytes:
        """The bytes of one request; `@UID@` in the body becomes a new id each time."""
        body = self.body.replace("@UID@", uuid.uuid4().hex).encode()
        url = urlsplit(self.url)
        return (
            f"POST {url.path} HTTP/1.1\r\nhost: {url.netloc}\r\nauthorization: Bearer bench\r\n"
            "accept: text/event-stream\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        ).encode() + body


@dataclass
class Ledger:
    """What all slots saw."""

    tokens: int = 0
    reads: int = 0
    requests: int = 0
    ok: int = 0
    failed: int = 0
    open: int = 0
    max_open: int = 0
    measuring: bool = False
    stopping: bool = False
    reasons: list[str] = field(default_factory=list)
    ttfts: array[float] = field(default_factory=lambda: array("d"))
    gaps: array[float] = field(default_factory=lambda: array("d"))

    def judge(self, fault: str | None) -> None:
        """Notes the end of a stream."""
        if fault is None:
            self.ok += 1
            return
        self.failed += 1
        if len(self.reasons) < _REASONS_KEPT:
            self.reasons.append(fault)


class Slot(asyncio.Protocol):
    """One connection and the stream on it. `closed` ends when the connection does."""

    def __init__(self, plan: Plan, ledger: Ledger) -> None:
        self._plan = plan
        self._ledger = ledger
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.busy = False
        self.sent = 0.0
        self.first: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def _ask(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._tally = Tally(self._plan.stop, self._plan.end)
        self._chunked = False
        self._complete = False
        self._fresh = 0
        self.first = None
        self._last = 0.0
        self.busy = True
        self._ledger.requests += 1
        self._transport.write(self._plan.request())
        self.sent = perf_counter()

    def data_received(self, data: bytes) -> None:
        now = perf_counter()
        self._fresh = 0
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as bad:
            self._end(f"broken HTTP: {bad}")
            self._transport.close()
            return
        if self._fresh:
            self._saw(now)
        if self._complete:
            self._finish()

    def _saw(self, now: float) -> None:
        ledger = self._ledger
        ledger.tokens += self._fresh
        if self.first is None:
            self.first = now
            ledger.open += 1
            ledger.max_open = max(ledger.max_open, ledger.open)
            if ledger.measuring:
                ledger.ttfts.append(now - self.sent)
        elif ledger.measuring:
            ledger.gaps.append(now - self._last)
        ledger.reads += 1
        self._last = now

    def on_header(self, name: bytes, value: bytes) -> None:
        self._chunked = self._chunked or name.lower() == b"transfer-encoding"

    def on_body(self, body: bytes) -> None:
        self._fresh += self._tally.feed(body)

    def on_message_complete(self) -> None:
        self._complete = True

    def _finish(self) -> None:
        status = self._parser.get_status_code()
        bad = None if status == 200 else f"status {status}"
        self._end(bad or self._tally.fault(self._plan.expect))
        again = not self._plan.once and not self._ledger.stopping
        if again and self._parser.should_keep_alive():
            self._ask()
        else:
            self._transport.close()

    def _end(self, fault: str | None) -> None:
        if self.first is not None:
            self._ledger.open -= 1
        self.busy = False
        self._ledger.judge(fault)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.busy:
            # Only an answer without a length may end with its connection.
            fault = "connection lost" if self._chunked else self._tally.fault(self._plan.expect)
            self._end(fault)
        if not self.closed.done():
            self.closed.set_result(None)

    def abort(self) -> None:
        """Gives up the stream; it counts as failed."""
        if self.busy:
            self._end("the stream did not end in time")
        self._transport.abort()
