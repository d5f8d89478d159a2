"""The doors of the engine to what keeps: journal, records, and the nodes beside this one.

As in `ports`: implementations fit by shape, all methods run on the event loop, none may block it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from talkwire.canon.budgets import Budget, Payer, Spending
from talkwire.canon.errors import TalkwireError
from talkwire.canon.events import Stamped
from talkwire.canon.records import (
    Approval,
    Idempotency,
    NewTurn,
    Outcome,
    SessionRecord,
    Started,
    StoredMessage,
    ToolResult,
    TurnRecord,
    Unfinished,
)
from talkwire.canon.sessions import Deleted


class Tail(Protocol):
    """Who is told that events of a turn are held by the journal. Called on the event loop."""

    def committed(self, until: int) -> None:
        """All events with `n < until` are held now, for ever."""
        ...

    def lost(self, error: TalkwireError) -> None:
        """The journal can hold nothing more of this turn here (fenced, or storage failed)."""
        ...


class Journal(Protocol):
    """The append-only log of every turn: the truth."""

    def attach(self, turn_id: str, tail: Tail) -> None:
        """Begin to write a turn of this process; `tail` is told of every commit until `detach`."""
        ...

    def detach(self, turn_id: str) -> None:
        """The turn is written no more here."""
        ...

    def append(self, turn_id: str, batch: Sequence[Stamped]) -> None:
        """Take events, in order and without gaps; they are held once `tail.committed` says so.

        Never blocks and never raises for storage: failures reach `tail.lost`.
        """
        ...

    async def finish(self, outcome: Outcome) -> None:
        """Store the end of a turn in one transaction: tail events, log, messages, status, usage.

        Returns once it is held; `tail.committed` has been called then. Only the first of two
        racing ends is stored.

        :raises Fenced: another process owns the turn now.
        :raises StorageUnavailable: not stored; may be tried again.
        """
        ...

    async def read(self, turn_id: str, start: int) -> list[Stamped]:
        """Held events with `n >= start`, in order, without gaps; empty when there are none yet."""
        ...

    async def read_many(self, wanted: Mapping[str, int]) -> dict[str, list[Stamped]]:
        """As `read` for several turns at once, each from a start of its own."""
        ...


class Records(Protocol):
    """Sessions, messages and turns. Nothing in here can be asked without an owner."""

    async def start(self, new: NewTurn) -> Started:
        """Accept a turn in one transaction: idempotency, session, queue, user message, event 0.

        :raises IdempotencyMismatch: the key is known with another fingerprint.
        :raises Busy: the session has a running turn and `on_busy` leaves no room.
        :raises NotFound: `parent_id` is no message of this session and owner.
        :raises NotFound, AlreadyDecided, Conflict, Gone: the call of the turn's verdict is unknown
            or another's; was decided; is superseded; has expired. One verdict on a call is taken.
        :raises Fenced, StorageUnavailable: nothing was stored.
        """
        ...

    async def known(self, owner: str, wanted: Idempotency) -> TurnRecord | None:
        """The turn that the key names already, as `start` would find it; nothing is stored.

        :raises IdempotencyMismatch: the key is known with another fingerprint.
        """
        ...

    async def running(self, turn_id: str) -> None:
        """A queued turn's time has come; for one that runs already nothing changes."""
        ...

    async def stop(self, owner: str, turn_id: str, by: str) -> TurnRecord:
        """Remember that the turn is to stop, and who wanted it first; the record as it is now.

        Whoever runs the turn finds it in `to_stop`. :raises NotFound: unknown, or another's.
        """
        ...

    async def to_stop(self) -> list[tuple[str, str]]:
        """This node's unfinished turns that are to stop, and by whom."""
        ...

    async def ended(self, owner: str, turn_ids: Sequence[str]) -> set[str]:
        """Which of these turns have ended; also those that are unknown, or another's."""
        ...

    async def under_way(self, owner: str, session_id: str) -> list[str]:
        """The session's turns that have not ended, oldest first, on whatever node they run."""
        ...

    async def turn(self, owner: str, turn_id: str) -> TurnRecord:
        """:raises NotFound: unknown, or another's."""
        ...

    async def path(self, owner: str, session_id: str, leaf: str | None) -> list[StoredMessage]:
        """The messages from the root to `leaf` (None: the session's current leaf), oldest first.

        Unknown sessions and leaves give an empty list.
        """
        ...

    async def message(self, owner: str, message_id: str) -> StoredMessage:
        """:raises NotFound: unknown, or another's."""
        ...

    async def approval(self, owner: str, call_id: str) -> Approval:
        """:raises NotFound: no such call waits or waited for a person, or it is another's."""
        ...

    async def unfinished(self) -> list[Unfinished]:
        """The turns without a terminal event that this node has taken over, oldest first."""
        ...


class Results(Protocol):
    """Long results of tools, whole; the conversation has a summary. Each is its owner's."""

    async def keep(self, owner: str, result: ToolResult) -> None:
        """Store a result; returns once it is held. A later one of the same call id replaces it.

        :raises Fenced, StorageUnavailable: it was not stored.
        """
        ...

    async def result(self, owner: str, call_id: str) -> ToolResult:
        """:raises NotFound: unknown, another's, or deleted with age."""
        ...


class Ledger(Protocol):
    """What turns have used, as it is stored with the end of each."""

    async def budget(self, key_id: str) -> Budget | None:
        """The budget of an API key; None where it has none, or there is no such key.

        :raises StorageUnavailable: it cannot be read.
        """
        ...

    async def spending(
        self, payer: Payer, *, at: int, since: int, until: int | None = None
    ) -> Spending:
        """What somebody has used in the day and the month of `at` and in all, as far as that is
        not before `since`, and before `until`. Unix milliseconds.

        :raises StorageUnavailable: it cannot be read.
        """
        ...


class Conversations(Protocol):
    """What an owner has talked about. Nothing in here can be asked without one."""

    async def sessions(
        self, owner: str, *, limit: int, before: tuple[int, str] | None = None
    ) -> list[SessionRecord]:
        """The sessions that have not expired, the one used last first; those after
        `before`, which is `updated_at` and id of the last one that was seen.
        """
        ...

    async def messages(
        self, owner: str, session_id: str, *, limit: int, leaf: str | None = None
    ) -> list[StoredMessage]:
        """The last messages up to `leaf` (None: the current one), oldest first.

        :raises NotFound: no such session, or none of its messages; or another's.
        """
        ...


class Deletion(Protocol):
    """How a session is deleted from the database, which alone decides."""

    async def delete(self, owner: str, session_id: str) -> Sequence[str]:
        """Delete all that is stored of a session but what it has used; the ids of its turns.

        No turn of it is started meanwhile. :raises NotFound: nothing is there, or it is another's.
        :raises Busy: a turn of it has not ended; nothing was deleted.
        :raises Fenced, StorageUnavailable: nothing was deleted, or it is not known.
        """
        ...

    async def delete_many(self, owner: str, session_ids: Sequence[str]) -> Deleted:
        """As `delete`, of all in one transaction, but those in which a turn has not ended."""
        ...


class Histories(Protocol):
    """Copies of messages beside the database, which make things quicker."""

    async def forget(self, owner: str, session_id: str) -> None:
        """Delete what is kept of a session, unless it cannot be reached. Never raises for that."""
        ...


class Nodes(Protocol):
    """This process among others. Taking over raises the epoch; commits under an old one fail."""

    node: str
    epoch: int

    async def beat(self) -> None:
        """Say that this process lives. :raises Fenced: it was taken over."""
        ...

    async def take_over(self) -> int:
        """Make the unfinished turns of nodes that have died this node's; how many."""
        ...

    async def rejoin(self) -> None:
        """Come back as a new node after having been taken over.

        :raises Fenced: the storage serves one process, and that is another now.
        """
        ...


class Signals(Protocol):
    """Word from node to node: fast, and allowed to get lost. What matters is stored, and polled."""

    def send(self, topic: str, ids: Sequence[str]) -> None:
        """Tell the other nodes, soon. Never blocks and never raises."""
        ...

    def hear(self, topic: str, heard: Callable[[Sequence[str]], None]) -> None:
        """Call `heard` with the ids that others send, on the event loop; with none when word may
        have been missed, and everything is worth a look.
        """
        ...
