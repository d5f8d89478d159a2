"""Readers: tails of a turn's log, from event 0 on. A connection is a reader and nothing more.

All readers of a turn share one `Log`; a reader is an index into it, so one that does not read
costs nothing and slows nobody. A reader sees only what the journal holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from talkwire.canon.events import TERMINAL, Stamped

MOST_AT_ONCE = 256  # events of one `next`: bounds the bytes that a reader that lags encodes at once


Take = Callable[[], bool]


class ReaderCut(Exception):
    """The turn can be followed no longer here; the client resumes with the last id it has."""


class Log:
    """A turn's events in this process. `events[:held]` are in the journal and may be shown."""

    __slots__ = ("events", "held", "is_cut", "on_left", "readers")

    def __init__(self, events: Sequence[Stamped] = ()) -> None:
        self.events = list(events)
        self.held = len(self.events)
        self.is_cut = False
        self.readers: set[Reader] = set()
        self.on_left: Callable[[], None] | None = None  # called when the last reader has left

    @property
    def ended(self) -> bool:
        """True once the terminal event is held."""
        return self.held > 0 and isinstance(self.events[self.held - 1].event, TERMINAL)

    def show(self, until: int) -> None:
        """The journal holds all events with `n < until`: wake whoever waits for them."""
        if until > self.held:
            self.held = until
            for reader in self.readers:
                reader.wake()

    def cut(self) -> None:
        """End all readers with `ReaderCut`, after what is held."""
        self.is_cut = True
        for reader in self.readers:
            reader.end_wait()


class Reader:
    """One tail. `close` it always; it then counts no more for `on_disconnect`."""

    __slots__ = (
        "_at",
        "_is_cut",
        "_log",
        "_poked",
        "_take",
        "_waiter",
        "ended",
        "on_close",
        "session_id",
        "turn_id",
    )

    def __init__(self, log: Log, *, turn_id: str, session_id: str) -> None:
        self.turn_id = turn_id
        self.session_id = session_id
        self.ended = False
        self._log = log
        self._at = 0
        self._is_cut = False
        self.on_close: Callable[[], None] | None = None  # called once, when it leaves
        self._poked = False
        self._waiter: asyncio.Future[None] | None = None
        self._take: Take | None = None
        log.readers.add(self)

    @property
    def turn_ended(self) -> bool:
        """True when the turn has its terminal event, taken by this reader or not."""
        return self._log.ended

    @property
    def behind(self) -> bool:
        """True when there is more than it has taken."""
        return self._at < self._log.held

    def ready(self) -> Sequence[Stamped]:
        """What is held and not taken yet, at most `MOST_AT_ONCE` events; may be empty."""
        log, at = self._log, self._at
        if at >= log.held or self._is_cut:
            return ()
        batch = log.events[at : min(log.held, at + MOST_AT_ONCE)]
        self._at = at + len(batch)
        if self._at == log.held and isinstance(batch[-1].event, TERMINAL):
            self.ended = True
        return batch

    async def next(self) -> Sequence[Stamped]:
        """The same, waiting while there are none; empty when poked.

        :raises ReaderCut: nothing more will come here though the turn has not ended.
        """
        batch = self.ready()
        if not batch and not self.ended:
            await self.coming()
            batch = self.ready()
        return batch

    def coming(self, take: Take | None = None) -> asyncio.Future[None]:
        """Done once there may be more, or the reader was poked. Ask `ready` right before.

        `take` is tried first whenever there is more: while it says True nobody is woken. It is
        called by whoever shows the events, and must neither wait nor raise.

        :raises ReaderCut: nothing more will come here though the turn has not ended.
        """
        waiter = asyncio.get_running_loop().create_future()
        if self._poked:
            self._poked = False
            waiter.set_result(None)
        elif self._is_cut or self._log.is_cut:
            raise ReaderCut
        self._waiter = waiter
        self._take = take
        return waiter

    def wake(self) -> None:
        """There may be more."""
        waiter = self._waiter
        if waiter is None or waiter.done():
            return
        take = self._take
        if take is None or not take():
            self.end_wait()

    def end_wait(self) -> None:
        """Let whoever waits look again."""
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    def poke(self) -> None:
        """Let `next` return, if need be with nothing."""
        if self._waiter is None:
            self._poked = True
        self.end_wait()

    def cut(self) -> None:
        """End this reader alone with `ReaderCut`, at once: it may follow no longer."""
        self._is_cut = True
        self.end_wait()

    def close(self) -> None:
        """Leave. Twice is once."""
        log = self._log
        if self in log.readers:
            log.readers.discard(self)
            if self.on_close is not None:
                self.on_close()
            if not log.readers and log.on_left is not None:
                log.on_left()
