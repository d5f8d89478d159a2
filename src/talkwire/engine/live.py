"""A turn that this process writes: its state, its log, and the way from events to the journal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from talkwire.canon.errors import TalkwireError
from talkwire.canon.events import AnyEvent, AudioDelta, ReasoningDelta, Stamped, TextDelta
from talkwire.canon.fold import TurnState, check
from talkwire.canon.turn import Message
from talkwire.engine.assemble import Answering
from talkwire.engine.metering import Meter
from talkwire.engine.reader import Log
from talkwire.engine.storage_ports import Journal

if TYPE_CHECKING:
    from talkwire.engine.speaking import Speaking

Observer = Callable[[TurnState, Stamped], None]
_DELTAS = (TextDelta, ReasoningDelta, AudioDelta)


def now_ms() -> int:
    """Unix milliseconds."""
    return time.time_ns() // 1_000_000


class Latch:
    """Something that happens once. Unlike an Event it costs nothing while nobody waits for it."""

    __slots__ = ("_happened", "_waiters")

    def __init__(self) -> None:
        self._happened = False
        self._waiters: list[asyncio.Future[None]] | None = None

    def is_set(self) -> bool:
        """True once it has happened."""
        return self._happened

    def set(self) -> None:
        """It happens; all who wait go on."""
        self._happened = True
        waiters, self._waiters = self._waiters, None
        for waiter in waiters or ():
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self) -> None:
        """Wait until it has happened."""
        if not self._happened:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters = [*(self._waiters or ()), waiter]
            await waiter


class LiveTurn:
    """One turn and its only writer.

    `append` stamps, folds and hands to the journal without waiting; the log shows an event once
    the journal has it. `over` is set when the turn has ended or was given up here.
    """

    __slots__ = (
        "_journal",
        "_observer",
        "_room",
        "_room_at",
        "aborted_by",
        "alone",
        "answering",
        "began",
        "error",
        "history",
        "kept_back",
        "key_id",
        "log",
        "meter",
        "over",
        "owner",
        "sealed",
        "speaking",
        "state",
        "stopped",
        "task",
        "waits",
    )

    def __init__(
        self,
        first: Iterable[Stamped],
        owner: str,
        *,
        journal: Journal,
        observer: Observer,
        key_id: str | None = None,
    ) -> None:
        self.owner = owner
        self.key_id = key_id  # the API key that has asked
        self.answering: Answering | None = None  # the model that is asked just now
        self.meter: Meter | None = None  # counts what a budget bounds
        self.speaking: Speaking | None = None  # who speaks the answer
        self.state = TurnState()
        self.log = Log()
        self.aborted_by: str | None = None
        self.alone: asyncio.TimerHandle | None = None  # runs while nobody reads
        self.began = False
        self.stopped = False
        self.sealed = False
        self.history: list[Message] | None = None  # known already: a session that is new
        self.kept_back: list[Stamped] = []  # events that are stored with the turn's end
        self.error: TalkwireError | None = None
        self.over = Latch()
        self.task: asyncio.Task[None] | None = None
        self.waits = False  # for the turns before it in its session
        self._journal = journal
        self._observer = observer
        self._room: asyncio.Future[None] | None = None
        self._room_at = 0
        for stamped in first:
            check(self.state, stamped)
            self.state.apply(stamped)
            self.log.events.append(stamped)
        self.log.held = self.state.count
        journal.attach(self.turn_id, self)

    @property
    def turn_id(self) -> str:
        """The turn's id."""
        return self.state.turn_id

    @property
    def session_id(self) -> str:
        """The id of the session it belongs to."""
        return self.state.session_id

    def append(self, events: Iterable[AnyEvent]) -> None:
        """Add events: numbered, timed, folded, on their way to the journal."""
        batch = self.stamp(events)
        if batch:
            self._journal.append(self.state.turn_id, batch)

    def keep_back(self, events: Iterable[AnyEvent]) -> None:
        """Add events that are told with the turn's end alone, which has to be what comes next: it
        is spoken no further.
        """
        kept = list(events)
        if kept and self.speaking is not None:
            self.append(self.speaking.cut())
        self.kept_back += self.stamp(kept)

    def stamp(self, events: Iterable[AnyEvent]) -> list[Stamped]:
        """Number, time and fold events without giving them to the journal."""
        state = self.state
        at = now_ms()
        batch: list[Stamped] = []
        for event in events:
            stamped = Stamped(state.count, at, event)
            silent = state.first_token_at is not None and type(event) in _DELTAS
            state.apply(stamped)
            batch.append(stamped)
            if not silent:
                self._observer(state, stamped)
        if self.meter is not None:
            self.meter.look()
        self.log.events.extend(batch)
        return batch

    def committed(self, until: int) -> None:
        """The journal holds all events with `n < until`."""
        self.log.show(until)
        room = self._room
        if room is not None and self.log.held >= self._room_at:
            self._room = None
            if not room.done():
                room.set_result(None)

    def lost(self, error: TalkwireError) -> None:
        """The journal takes nothing more: stop working at once."""
        self.error = error
        self.log.cut()
        if self._room is not None:
            self._room.cancel()
        self.stop()

    def stop(self) -> None:
        """Interrupt the work, unless the terminal event is being stored already.

        A task that has not begun is left alone: cancelled before its first step it would never
        run at all. The runner looks at `stopped` when it begins.
        """
        if self.stopped or self.sealed:
            return
        self.stopped = True
        if self.task is not None and self.began:
            self.task.cancel()

    @property
    def backlog(self) -> int:
        """Events that are not held yet."""
        return self.state.count - self.log.held

    def room(self, most: int) -> asyncio.Future[None]:
        """Done once at most `most` of the events that there are now are on their way; cancelled if
        the journal is lost. Whoever adds events meanwhile keeps nobody waiting.
        """
        room, at = self._room, self.state.count - most
        if room is None or room.done():
            room = self._room = asyncio.get_running_loop().create_future()
        else:
            at = max(at, self._room_at)
        self._room_at = at
        if self.error is not None:
            room.cancel()
        elif self.log.held >= at:
            room.set_result(None)
        return room

    def leave(self) -> None:
        """The turn is written no more here."""
        self._journal.detach(self.turn_id)
        if not self.log.ended:
            self.log.cut()
        if self.alone is not None:
            self.alone.cancel()
        self.over.set()
