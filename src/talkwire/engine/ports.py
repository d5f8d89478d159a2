"""The doors of the engine: what it needs from outside, and what each side promises.

Implementations do not import this module: they fit by shape, and mypy checks the fit where
`app.py` hands them over. All methods run on the event loop; none may block it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from talkwire.canon.deltas import Hear
from talkwire.canon.errors import TalkwireError
from talkwire.canon.events import Stamped
from talkwire.canon.records import (
    NewTurn,
    Outcome,
    PromptVersion,
    RenderedPrompt,
    Started,
    StoredMessage,
    TurnRecord,
    Unfinished,
)
from talkwire.canon.turn import ModelRequest, Scalar


class Model(Protocol):
    """One model behind one API."""

    async def answer(self, request: ModelRequest, hear: Hear) -> None:
        """Ask, and tell `hear` what comes: one list a network read, none empty.

        Returns after `Finish`. Retries happen before the first text, reasoning or call only, each
        told by a `Retry`. Cancellation closes the upstream connection at once.

        :raises ModelError: anything else, `UpstreamIncomplete` for a stream without `Finish`.
        """
        ...

    async def check(self) -> str:
        """Does the model answer? A short line for people; no tokens are spent.

        :raises ModelError: it does not.
        """
        ...

    async def close(self) -> None:
        """Give up pooled connections; running streams end with an error."""
        ...


class Choice(Struct, frozen=True):
    """A model that a name resolves to. `upstream_model` is what the provider calls it.

    Prices are per million tokens.
    """

    name: str
    model_type: str
    model: Model
    upstream_model: str
    reasons: tuple[str, ...] = ()
    context_tokens: int = 128_000
    continuation: Literal["none", "prefill"] = "none"
    temperature: float | None = None
    max_output_tokens: int | None = None
    price_in: float | None = None
    price_out: float | None = None


class Models(Protocol):
    """All configured models."""

    def resolve(self, name: str | None) -> Choice:
        """The model of this name; None is the default one.

        :raises NotFound: no route takes the name; the message names the known ones.
        """
        ...

    def names(self) -> tuple[str, ...]:
        """The configured names, the default one first."""
        ...

    async def close(self) -> None:
        """Close every model."""
        ...

    @property
    def told(self) -> str:
        """Which model answers by default, in words for people."""
        ...


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


class Records(Protocol):
    """Sessions, messages and turns. Nothing in here can be asked without an owner."""

    async def start(self, new: NewTurn) -> Started:
        """Accept a turn in one transaction: idempotency, session, queue, user message, event 0.

        :raises IdempotencyMismatch: the key is known with another fingerprint.
        :raises Busy: the session has a running turn and `on_busy` leaves no room.
        :raises NotFound: `parent_id` is no message of this session and owner.
        :raises Fenced, StorageUnavailable: nothing was stored.
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

    async def unfinished(self) -> list[Unfinished]:
        """The turns without a terminal event that this node has taken over, oldest first."""
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


PromptVersions = list[PromptVersion]


class Prompts(Protocol):
    """System-prompt templates: files, overlaid by stored versions."""

    async def render(self, name: str | None, variables: Mapping[str, Scalar]) -> RenderedPrompt:
        """Fill a template in; `name` may pin a version as `name@3`; None is `default`.

        :raises NotFound: no such template or version; the message names the known ones.
        :raises Unprocessable: a variable is missing or unknown; `param` names it.
        """
        ...

    async def list(self) -> PromptVersions:
        """The newest version of each template, by name."""
        ...

    async def versions(self, name: str) -> PromptVersions:
        """All versions of one template, newest first. :raises NotFound: none."""
        ...

    async def put(self, draft: PromptVersion) -> PromptVersion:
        """Store a new version (the draft's number is ignored). :raises Unprocessable."""
        ...

    async def delete(self, name: str) -> int:
        """Delete the stored versions; how many there were.

        :raises Conflict: built in, and nothing is stored over it. :raises NotFound: unknown.
        """
        ...


class Speech(Protocol):
    """A voice service."""

    mime: str

    def speak(self, text: str, *, voice_id: str, session_id: str) -> AsyncGenerator[bytes, None]:
        """The speech of a text, piece by piece as it comes; all but the last are a multiple of 3
        bytes long, so that the base64 of each can be decoded by itself.

        :raises SpeechError: the service refused, failed or stopped halfway.
        """
        ...

    async def check(self) -> str:
        """A short line for people. :raises SpeechError: it does not answer."""
        ...

    async def close(self) -> None:
        """Give up all connections; nothing is spoken afterwards."""
        ...
