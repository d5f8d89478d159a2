"""The journal in SQL: what all turns appended since the last commit goes into the next one.

One row a turn and commit, one insert for all of them, in the append-only table `turn_events`;
the end of a turn writes its whole log as one row of `turn_logs`, which is read from then on.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from talkwire.canon.errors import Conflict, Fenced, StorageUnavailable, TalkwireError
from talkwire.canon.events import Stamped, dump, load
from talkwire.canon.records import Outcome, session_lock
from talkwire.journals._statements import BY_DIALECT

T = TypeVar("T")

_MOST_ROWS = 4_000
"""Rows of one flush at most: the driver takes 32,766 values in a statement."""

Held = dict[str, list[Stamped]]
"""What a flush has stored, by turn."""

_AGAIN_S = 0.2
"""Between two tries to store the same flush."""


class Tail(Protocol):
    """Who is told of a turn's commits."""

    def committed(self, until: int) -> None: ...
    def lost(self, error: TalkwireError) -> None: ...


class Writer(Protocol):
    """The database, as far as a journal needs it."""

    def submit(
        self, unit: Callable[[Connection], T], *, locks: Sequence[str] = ()
    ) -> asyncio.Future[T]: ...
    async def read(self, query: Callable[[Connection], T]) -> T: ...


class SqlJournal:
    """Turns' events in SQL.

    What could not be stored because storage is away is kept and tried again for `patience_s`; 0
    gives up at once, as suits a file that is full. `on_stored` is told, on the loop, of turns that
    have new events or an end. `write_ahead=False` tells readers before the commit: for tests.
    """

    def __init__(
        self,
        writer: Writer,
        write_outcome: Callable[[Connection, Outcome], bool],
        *,
        patience_s: float = 0,
        on_stored: Callable[[Sequence[str]], None] | None = None,
        write_ahead: bool = True,
    ) -> None:
        self._writer = writer
        self._write_outcome = write_outcome
        self._patience_s = patience_s
        self._on_stored = on_stored
        self._write_ahead = write_ahead
        self._tails: dict[str, Tail] = {}
        self._lost: set[str] = set()
        # Filled by the loop and emptied by the writer's thread; both ends are atomic.
        self._pending: deque[tuple[str, Sequence[Stamped]]] = deque()
        self._flush = Flush(self._pending)
        self._flying = False
        self._away_since: float | None = None

    def attach(self, turn_id: str, tail: Tail) -> None:
        """Begin to write a turn of this process."""
        self._tails[turn_id] = tail

    def detach(self, turn_id: str) -> None:
        """The turn is written no more here; what was appended is still stored."""
        self._tails.pop(turn_id, None)
        self._lost.discard(turn_id)

    def append(self, turn_id: str, batch: Sequence[Stamped]) -> None:
        """Take events, in order and without gaps; the tail is told once they are stored.

        After `tail.lost` nothing more is taken of the turn: it would stand behind a gap.
        """
        if not batch or turn_id in self._lost:
            return
        self._pending.append((turn_id, batch))
        if not self._write_ahead:
            self._tell(turn_id, batch[-1].n + 1)
        if not self._flying:
            self._fly()

    async def finish(self, outcome: Outcome) -> None:
        """Store the end of a turn; an end that is stored already, event for event, is fine.

        :raises Conflict: the turn has another end already; this one is not stored.
        :raises Fenced, StorageUnavailable: see the port.
        """
        lock = session_lock(outcome.owner, outcome.session_id)
        if not await self._writer.submit(lambda c: self._end(c, outcome), locks=(lock,)):
            raise Conflict("The turn has ended already.", code="already_ended")
        self._tell(outcome.turn_id, len(outcome.log))
        self._tails.pop(outcome.turn_id, None)
        if self._on_stored is not None:
            self._on_stored((outcome.turn_id,))

    async def read(self, turn_id: str, start: int) -> list[Stamped]:
        """Held events with `n >= start`, in order, without gaps."""
        return await self._writer.read(lambda c: _read(c, turn_id, start))

    async def read_many(self, wanted: Mapping[str, int]) -> dict[str, list[Stamped]]:
        """As `read` for several turns at once, each from a start of its own."""
        return await self._writer.read(lambda c: _read_many(c, wanted))

    def _end(self, connection: Connection, outcome: Outcome) -> bool:
        if self._write_outcome(connection, outcome):
            return True
        log = BY_DIALECT[connection.dialect.name].log
        row = connection.connection.cursor().execute(log, (outcome.turn_id,)).fetchone()
        return row is not None and row[0] == dump(outcome.log).decode()

    def _fly(self) -> None:
        """Hand what is pending to the writer: one flush at a time, so that after a failed one
        nothing that comes later is stored."""
        self._flying = True
        self._writer.submit(self._flush).add_done_callback(self._flushed)

    def _flushed(self, future: asyncio.Future[Held]) -> None:
        self._flying = False
        if future.cancelled():
            return
        error = future.exception()
        if error is not None:
            if not self._waits(error):
                self._lose(error)
            return
        self._flush.kept = self._away_since = None
        held = future.result()
        for turn_id, events in held.items():
            self._tell(turn_id, events[-1].n + 1)
        if held and self._on_stored is not None:
            self._on_stored(tuple(held))
        if self._pending and not self._flying:
            self._fly()

    def _waits(self, error: BaseException) -> bool:
        """Try the same flush again a little later, unless that has gone on for too long."""
        loop = asyncio.get_running_loop()
        if self._away_since is None:
            self._away_since = loop.time()
        if not isinstance(error, StorageUnavailable):
            return False
        if loop.time() - self._away_since >= self._patience_s:
            return False
        self._flying = True
        loop.call_later(_AGAIN_S, self._fly)
        return True

    def _lose(self, error: BaseException) -> None:
        """What was taken for the commit is gone: no turn may go on as if it were held."""
        if not isinstance(error, TalkwireError):
            told = StorageUnavailable(f"The journal failed: {type(error).__name__}.")
            told.__cause__ = error
            error = told
        self._pending.clear()
        self._flush.kept = self._away_since = None
        self._lost.update(self._tails)
        for tail in list(self._tails.values()):
            tail.lost(error)

    def _tell(self, turn_id: str, until: int) -> None:
        tail = self._tails.get(turn_id)
        if tail is not None:
            tail.committed(until)


class Flush:
    """A unit of work: all that is pending when the writer comes by, as one row a turn.

    Called with company it is one of several in a transaction. `alone` is its other form: one
    statement that carries the fence itself and is its own transaction. The driver gives the
    interpreter's lock away for each statement and has to fight for it afterwards, which on a
    busy server costs more than the statement.

    What it has taken is `kept` until somebody says that it is stored. Called again before that,
    it looks whether it was: the answer to a commit may have got lost.
    """

    def __init__(self, pending: deque[tuple[str, Sequence[Stamped]]]) -> None:
        self.kept: tuple[Held, list[str | int]] | None = None
        self._pending = pending

    def __call__(self, connection: Connection) -> Held:
        """Insert within the caller's transaction."""
        statements = BY_DIALECT[connection.dialect.name]
        cursor = connection.connection.cursor()
        if self.kept is None:
            held, rows = self.kept = self._taken()
        else:
            held, rows = self.kept
            if statements.holds(cursor, rows):
                return held
        statements.insert(cursor, rows)
        return held

    @property
    def alone(self) -> Callable[[Connection, tuple[str, int]], Held] | None:
        """How to store without company; None where it has to look first."""
        return self._alone if self.kept is None else None

    def _alone(self, connection: Connection, guard: tuple[str, int]) -> Held:
        """Insert if the node's row carries its epoch. :raises Fenced: it does not."""
        held, rows = self.kept = self._taken()
        if rows:
            cursor = connection.connection.cursor()
            statements = BY_DIALECT[connection.dialect.name]
            if not statements.insert_fenced(cursor, rows, guard):
                raise Fenced("Another process has taken over this node.")
        return held

    def _taken(self) -> tuple[Held, list[str | int]]:
        pending = self._pending
        held: Held = {}
        for _ in range(min(len(pending), _MOST_ROWS)):
            turn_id, batch = pending.popleft()
            earlier = held.get(turn_id)
            if earlier is None:
                held[turn_id] = list(batch)
            else:
                earlier += batch
        rows: list[str | int] = []
        for turn_id, events in held.items():
            rows += (turn_id, events[0].n, len(events), dump(events).decode())
        return held, rows


def _read(connection: Connection, turn_id: str, start: int) -> list[Stamped]:
    statements = BY_DIALECT[connection.dialect.name]
    cursor = connection.connection.cursor()
    log = cursor.execute(statements.log, (turn_id,)).fetchone()
    if log is not None:
        return load(log[0])[start:]
    payloads = cursor.execute(statements.hot, statements.hot_values(turn_id, start)).fetchall()
    events = [stamped for (payload,) in payloads for stamped in load(payload)]
    return [stamped for stamped in events if stamped.n >= start]


def _read_many(connection: Connection, wanted: Mapping[str, int]) -> dict[str, list[Stamped]]:
    statements = BY_DIALECT[connection.dialect.name]
    if statements.many is None:
        return {turn_id: _read(connection, turn_id, start) for turn_id, start in wanted.items()}
    found: dict[str, list[Stamped]] = {turn_id: [] for turn_id in wanted}
    given = {"turns": list(wanted), "starts": list(wanted.values())}
    for turn_id, payload in connection.connection.cursor().execute(statements.many, given):
        found[turn_id] += load(payload)
    return {
        turn_id: sorted((e for e in events if e.n >= wanted[turn_id]), key=lambda e: e.n)
        for turn_id, events in found.items()
    }
