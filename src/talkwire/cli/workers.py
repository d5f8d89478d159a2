"""Several server processes on the same sockets: started, watched, replaced and ended by this one.

The supervisor serves nothing itself. It holds the listening sockets, so that a connection is never
refused while a worker is replaced, and one end of each worker's lifeline (see `worker.py`). They
are forked from a process that has loaded the code (see `nursery.py`), and so are there at once.

- The first worker starts alone: what hinders all of them is said once.
- A worker that ends is replaced; one that ends soon after its start again and again, more slowly.
- SIGHUP replaces one worker after the other, each after its successor is ready. The successors
  load the code and read the settings anew; the addresses stay. Until one of them is ready, who
  ends is replaced by its like.
- SIGTERM and SIGINT drain all workers; a second one ends them at once.
- A worker whose supervisor has died drains and ends.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import structlog

from talkwire.cli.child import Child, Seat
from talkwire.cli.generation import Generation
from talkwire.cli.serve import REFUSED, tell, url_of
from talkwire.settings import Settings

_COMMAND = (sys.executable, "-P", "-m", "talkwire.cli.nursery")
_NOT_STARTED = 3
_GIVE_UP_AFTER = 5  # starts in a row that came to nothing, while no worker serves
_START_S = 60.0  # a worker that is not ready by then is ended
_SETTLED_S = 5.0  # who ends sooner than this after being ready ended at once
_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 10.0
_BEYOND_DRAIN_S = 15.0  # a worker's own limits beyond the drain time-out; later it is ended
_LOOK_S = 0.5
_log = structlog.get_logger("talkwire.workers")


def run(
    config: Path | None,
    options: Mapping[str, Any],
    settings: Settings,
    sockets: Sequence[socket.socket],
) -> int:
    """Serve with several processes; the status. 2 or 3, as the first one's: none could start."""
    asked = {
        "config": str(config.absolute()) if config else None,
        "options": {k: str(v) if isinstance(v, Path) else v for k, v in options.items()},
    }
    urls = [url_of(listening) for listening in sockets]
    with TemporaryDirectory(prefix="talkwire-", ignore_cleanup_errors=True) as shared:
        return Supervisor(
            settings.workers,
            sockets,
            asked | {"shared": shared},
            drain_s=settings.turns.drain_timeout_s,
            on_serving=lambda model: tell(settings, urls, model),
            prepare=lambda: _start_logging(settings),
        ).run()


def _start_logging(settings: Settings) -> None:
    from talkwire.app import start_logging

    start_logging(settings)


@dataclass
class Supervisor:
    """`run` returns when all workers have ended."""

    count: int
    sockets: Sequence[socket.socket]
    asked: Mapping[str, Any]
    drain_s: float = 30.0
    on_serving: Callable[[str], None] = lambda _model: None
    prepare: Callable[[], None] = lambda: None
    command: Sequence[str] = _COMMAND

    def __post_init__(self) -> None:
        self._seats = [Seat() for _ in range(self.count)]
        self._generation: Generation | None = None
        self._newer: Generation | None = None  # its first worker is not ready yet
        self._past: list[Generation] = []
        self._leaving: list[Child] = []
        self._to_replace: deque[Seat] = deque()
        self._status: int | None = None  # set once the end has begun
        self._told = False
        self._failures = 0
        self._interrupts = 0
        self._hangups = 0
        self._at_terminal = sys.stdin is not None and sys.stdin.isatty()

    def run(self) -> int:
        """The exit status."""
        with selectors.DefaultSelector() as self._selector, self._signals():
            self._fill()
            self.prepare()
            while self._status is None or self._children():
                self._wait()
                self._obey()
                self._reap()
                if self._status is None:
                    self._fill()
                    self._replace()
                self._hurry()
        for each in filter(None, (self._generation, self._newer, *self._past)):
            each.finish()
        return self._status or 0

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Count signals, and let each one wake the selector."""
        self._signalled, woken = socket.socketpair()
        for end in (self._signalled, woken):
            end.setblocking(False)
        self._selector.register(self._signalled, selectors.EVENT_READ, None)
        kinds = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD]
        before = {kind: signal.signal(kind, self._on_signal) for kind in kinds}
        wakeup = signal.set_wakeup_fd(woken.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakeup)
            for kind, handler in before.items():
                signal.signal(kind, handler)
            self._signalled.close()
            woken.close()

    def _on_signal(self, number: int, _frame: object) -> None:
        if number in (signal.SIGTERM, signal.SIGINT):
            self._interrupts += 1
        elif number == signal.SIGHUP:
            self._hangups += 1

    def _wait(self) -> None:
        soon = self._status is None and any(seat.worker is None for seat in self._seats)
        for key, _ in self._selector.select(_PAUSE_S if soon else _LOOK_S):
            if isinstance(key.data, Child):
                self._hear(key.data)
            else:
                with suppress(BlockingIOError):
                    self._signalled.recv(4096)

    def _hear(self, child: Child) -> None:
        was_ready = child.ready
        child.hear()
        if child.ready and not was_ready:
            self._failures = 0
            if child.generation is self._newer:
                self._succeed(self._newer)
            if not self._told:
                self._told = True
                self.on_serving(child.model)

    def _obey(self) -> None:
        hangups, self._hangups = self._hangups, 0
        if hangups and self._at_terminal and not _terminal_lives():
            self._interrupts += 1
        elif hangups and self._status is None:
            _log.info("workers.replacing", count=self.count)
            self._to_replace = deque(self._seats)
            self._give_up_newer()
            self._newer = self._beget()
        interrupts, self._interrupts = self._interrupts, 0
        for _ in range(min(interrupts, 2)):
            at_once = self._status is not None
            self._status = self._status if at_once else 0
            for child in self._children():
                child.end(at_once=at_once)

    def _children(self) -> list[Child]:
        seated = [child for seat in self._seats for child in seat.children()]
        return seated + self._leaving

    def _reap(self) -> None:
        for child in [child for child in self._children() if child.ended]:
            self._selector.unregister(child.link)
            child.close()
            if child in self._leaving:
                self._leaving.remove(child)
            else:
                self._vacate(child)
        self._past = [each for each in self._past if not each.ended]

    def _vacate(self, child: Child) -> None:
        """An end that nobody has asked for."""
        seat = next(seat for seat in self._seats if child in seat.children())
        if child is seat.heir:
            seat.heir = None
        else:
            seat.worker, seat.heir = seat.heir, None
            if seat.worker is not None:
                seat.worker.is_heir = False
        if self._status is not None:
            return
        _log.warning("worker.ended", pid=child.pid, status=child.status, ready=child.ready)
        if child.lived_s < _SETTLED_S:
            pause_s = min(_PAUSE_S * 2**seat.hasty, _LONGEST_PAUSE_S)
            seat.hasty = min(seat.hasty + 1, 10)
            seat.start_at = time.monotonic() + pause_s
        else:
            seat.hasty = 0
        if not child.ready:
            self._fail(child)

    def _fail(self, child: Child) -> None:
        self._failures += 1
        if child.is_heir:
            _log.error(
                "workers.not_replaced", hint="A new worker did not start; the old ones stay."
            )
            self._to_replace.clear()
            self._give_up_newer()
        serving = any(other.ready for other in self._children())
        hopeless = child.status == REFUSED and not self._told
        if not serving and (hopeless or self._failures >= _GIVE_UP_AFTER):
            if not hopeless:
                _log.error("workers.given_up", attempts=self._failures)
            self._status = REFUSED if hopeless else _NOT_STARTED
            for other in self._children():
                other.end(at_once=True)

    def _fill(self) -> None:
        now = time.monotonic()
        for seat in self._seats:
            if not self._told and self._children():
                return  # the first one goes alone
            if seat.worker is None and now >= seat.start_at:
                seat.worker = self._start(self._present())

    def _replace(self) -> None:
        """One step of the rolling restart: one heir at a time, one leaving at a time."""
        for seat in self._seats:
            if seat.heir is not None and seat.heir.ready:
                if seat.worker is not None:
                    seat.worker.end(at_once=False)
                    self._leaving.append(seat.worker)
                seat.worker, seat.heir = seat.heir, None
                seat.worker.is_heir = False
        if self._leaving or any(seat.heir for seat in self._seats):
            return
        if self._to_replace:
            seat = self._to_replace.popleft()
            seat.heir = self._start(self._newer or self._present())
            seat.heir.is_heir = True

    def _start(self, generation: Generation) -> Child:
        child = Child(generation)
        self._selector.register(child.link, selectors.EVENT_READ, child)
        return child

    def _present(self) -> Generation:
        if self._generation is None or self._generation.ended:
            self._generation = self._beget()
        return self._generation

    def _beget(self) -> Generation:
        return Generation(self.command, self.sockets, self.asked)

    def _succeed(self, newer: Generation) -> None:
        if self._generation is not None:
            self._generation.close()
            self._past.append(self._generation)
        self._generation, self._newer = newer, None

    def _give_up_newer(self) -> None:
        if self._newer is not None:
            self._newer.close()
            self._past.append(self._newer)
            self._newer = None

    def _hurry(self) -> None:
        """End who takes longer than its own limits allow."""
        for child in self._children():
            if not child.ready and child.lived_s > _START_S:
                _log.error("worker.not_ready", pid=child.pid, after_s=_START_S)
                child.kill()
            elif child.leaving_s > self.drain_s + _BEYOND_DRAIN_S:
                _log.error("worker.not_ended", pid=child.pid)
                child.kill()


def _terminal_lives() -> bool:
    try:
        os.tcgetpgrp(0)
    except OSError:
        return False
    return True
