"""Log lines on their way to files, in a thread of their own: a slow disk holds up no stream.

What waits is bounded. Lines beyond that are let go and counted, and the log says how many.
"""

from __future__ import annotations

import atexit
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, Full, Queue
from typing import NamedTuple, Protocol

MOST_LINES = 10_000
_ENDING_S = 2.0  # how long the end of a process waits for a disk


class Written(Protocol):
    """Something that takes whole lines."""

    def write(self, line: bytes) -> None:
        """:raises OSError: it could not be written."""
        ...

    def close(self) -> None: ...


class Sink(NamedTuple):
    """Where lines of at least this level go."""

    level: int
    to: Written


class Behind(logging.Handler):
    """Formats a line where it is logged, with what is bound there, and writes it behind. `dropped`
    counts lines that were let go: too many were waiting, or nothing could be written. `told(count)`
    makes the line that says so.
    """

    def __init__(
        self, sinks: Sequence[Sink], *, told: Callable[[int], str], most: int = MOST_LINES
    ) -> None:
        super().__init__()
        self.dropped = 0
        self._told_of = 0  # so many of them
        self._counting = threading.Lock()
        self._told = told
        self._sinks = tuple(sinks)
        self._queue: Queue[tuple[int, bytes] | threading.Event | None] = Queue(most)
        self._thread = threading.Thread(target=self._write_on, name="talkwire-log", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the line, or count it where there is no room. Never waits."""
        try:
            line = self.format(record).encode("utf-8", "replace") + b"\n"
        except Exception:  # arguments that do not fit their text, or cannot be told
            self._drop()
            return
        try:
            self._queue.put_nowait((record.levelno, line))
        except Full:
            self._drop()

    def flush(self, within_s: float = _ENDING_S) -> None:
        """Wait until all lines of now are written, or the time is over."""
        written = threading.Event()
        with suppress(Full):
            self._queue.put(written, timeout=within_s)
            written.wait(within_s)

    def close(self) -> None:
        """Write what waits, as far as the disk lets us, and end. May be called twice."""
        atexit.unregister(self.close)
        if self._thread.is_alive():
            with suppress(Full):
                self._queue.put(None, timeout=_ENDING_S)
            self._thread.join(_ENDING_S)
        super().close()

    def _drop(self) -> None:
        with self._counting:
            self.dropped += 1

    def _write_on(self) -> None:
        """The thread."""
        while (item := self._queue.get()) is not None:
            if isinstance(item, threading.Event):
                item.set()
                continue
            untold = self.dropped - self._told_of
            if untold and self._write(logging.WARNING, self._told(untold).encode() + b"\n"):
                self._told_of += untold
            if not self._write(*item):
                self._drop()
        for sink in self._sinks:
            sink.to.close()
        with suppress(Empty):  # who waits for lines that came too late waits no longer
            while True:
                late = self._queue.get_nowait()
                if isinstance(late, threading.Event):
                    late.set()

    def _write(self, level: int, line: bytes) -> bool:
        """Whether it was written anywhere, or has not to be."""
        failed = written = 0
        for sink in self._sinks:
            if level >= sink.level:
                try:
                    sink.to.write(line)
                    written += 1
                except OSError:
                    failed += 1
        return written > 0 or failed == 0
