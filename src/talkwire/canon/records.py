"""What storage is told and what it answers: pure values, shared by engine and stores.

Times are Unix milliseconds. Every value that belongs to somebody names its `owner`.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from talkwire.canon.events import RouteChosen, Stamped, Terminal, UsageCounted
from talkwire.canon.turn import FinishReason, Message, OnBusy, TurnRequest

Status = Literal["queued", "running", "completed", "failed", "aborted"]


class Idempotency(Struct, frozen=True):
    """A key that names one turn: the same key and fingerprint within `ttl_s` is the same turn."""

    key: str
    fingerprint: str
    ttl_s: float


class Verdict(Struct, frozen=True):
    """What a person says of a call that waits."""

    call_id: str
    approved: bool
    reason: str | None = None


class NewTurn(Struct, frozen=True):
    """A turn to be accepted. `max_waiting` bounds the queue behind the session's running turn.

    `route` is stored with it, as event 1: what is known when the turn is accepted costs no commit
    of its own, and a client is told at once which model will answer. With a `verdict` the turn
    carries on where the call waits. `key_id` is the API key that asks, None for anybody else.
    """

    turn_id: str
    owner: str
    request: TurnRequest
    at: int
    on_busy: OnBusy
    max_waiting: int
    session_ttl_s: float
    route: RouteChosen | None = None
    idempotency: Idempotency | None = None
    verdict: Verdict | None = None
    key_id: str | None = None


class Usage(Struct, frozen=True):
    """Tokens of a whole turn, or of one model in it. `estimated` when any part of it was counted
    locally; `cost` is of those parts whose price is known, None where none is.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False
    cost: float | None = None

    def plus(self, counted: UsageCounted) -> Usage:
        """With one more call."""
        costs = [cost for cost in (self.cost, counted.cost) if cost is not None]
        return Usage(
            self.input_tokens + counted.input_tokens,
            self.output_tokens + counted.output_tokens,
            self.estimated or counted.estimated,
            sum(costs) if costs else None,
        )


class TurnRecord(Struct, frozen=True):
    """A turn as `GET /turns/{id}` shows it."""

    turn_id: str
    session_id: str
    owner: str
    wire: str
    status: Status
    created_at: int
    started_at: int | None = None
    first_token_at: int | None = None
    ended_at: int | None = None
    model: str | None = None
    model_type: str | None = None
    reasons: tuple[str, ...] = ()
    usage: Usage | None = None
    finish_reason: FinishReason | None = None
    error_code: str | None = None
    error_message: str | None = None
    retryable: bool | None = None
    node: str | None = None
    key_id: str | None = None

    @property
    def ended(self) -> bool:
        """True once the terminal event is stored."""
        return self.status in ("completed", "failed", "aborted")


class Started(Struct, frozen=True):
    """The answer to a `NewTurn`.

    `fresh` is False when the idempotency key named a turn that exists already: nothing was
    stored then. `events` are those stored with the turn, from 0. `ahead` are the session's turns
    that were unfinished before this one, oldest first: with `on_busy: queue` it waits for them,
    with `interrupt` the caller aborts them. `new_session` tells that there is no history to load.
    """

    record: TurnRecord
    fresh: bool
    events: tuple[Stamped, ...] = ()
    ahead: tuple[str, ...] = ()
    new_session: bool = False


class Outcome(Struct, frozen=True):
    """All that is stored, in one transaction, when a turn ends.

    `tail` holds the events that are not in the journal yet, the terminal one last; `log` is the
    whole turn's events. `messages` come in tree order; the last one becomes the session's leaf.
    `by_model` is the usage of each model that was chosen, in that order, be it nothing; a turn
    that ended before one was has None there. Together they are `usage`. `voice_ms` is how long was
    heard and spoken. `spoken`: there is audio in the log.
    """

    turn_id: str
    owner: str
    session_id: str
    status: Literal["completed", "failed", "aborted"]
    terminal: Terminal
    tail: tuple[Stamped, ...]
    log: tuple[Stamped, ...]
    messages: tuple[Message, ...]
    parent_id: str | None
    usage: Usage
    by_model: dict[str | None, Usage]
    model: str | None
    model_type: str | None
    reasons: tuple[str, ...]
    wire: str
    started_at: int
    first_token_at: int | None
    ended_at: int
    key_id: str | None = None
    voice_ms: int = 0
    spoken: bool = False


class StoredMessage(Struct, frozen=True):
    """A message in its session's tree."""

    message: Message
    session_id: str
    parent_id: str | None
    turn_id: str
    created_at: int


class ToolResult(Struct, frozen=True):
    """What a tool gave, whole; `truncated`: it was longer than is kept of any result."""

    call_id: str
    session_id: str
    turn_id: str
    name: str
    text: str
    truncated: bool
    at: int


class Approval(Struct, frozen=True):
    """A call that waits for a person, or waited. `request` is that of the turn which asked;
    `decided_in` is the turn that a decision has started.
    """

    call_id: str
    session_id: str
    turn_id: str
    name: str
    arguments: str
    state: Literal["pending", "approved", "denied"]
    expires_at: int
    request: TurnRequest
    decided_at: int | None = None
    reason: str | None = None
    decided_in: str | None = None


class SessionRecord(Struct, frozen=True):
    """A session as lists show it. `last` begins the text of its newest message."""

    session_id: str
    title: str | None
    created_at: int
    updated_at: int
    last: str = ""


class SessionDetail(Struct, frozen=True):
    """A session as `GET /sessions/{id}` shows it.

    `messages` counts those of all branches; `turns` counts by status, those that were not kept
    too. `category` and `subcategory` are of the last message with a scene on the current branch.
    `label` is whom the owner talks with in it; `agent` and `prompt` answer where a turn names none.
    """

    session_id: str
    title: str | None
    created_at: int
    updated_at: int
    expires_at: int
    messages: int
    turns: dict[Status, int]
    category: str | None = None
    subcategory: str | None = None
    label: str | None = None
    agent: str | None = None
    prompt: str | None = None
    metadata: dict[str, Any] = {}
    archived: bool = False


class Unfinished(Struct, frozen=True):
    """A turn without a terminal event that this node has to carry on, oldest first in its list.

    `ahead` are turns of its session that came before it and have not ended, on other nodes.
    """

    record: TurnRecord
    events: tuple[Stamped, ...]
    ahead: tuple[str, ...] = ()


class RunningTurn(Struct, frozen=True):
    """A turn that has not ended, as its node's list shows it. `created_at` is Unix ms."""

    turn_id: str
    wire: str
    status: Status
    created_at: int


class NodeRecord(Struct, frozen=True):
    """A process that serves. `silent_ms`: since its last beat; `started_at` is Unix ms."""

    id: str
    host: str
    pid: int
    epoch: int
    started_at: int
    silent_ms: int
    turns: tuple[RunningTurn, ...] = ()


class PromptVersion(Struct, frozen=True):
    """One version of a system-prompt template. Version 0 is the built-in file."""

    name: str
    version: int
    text: str
    description: str = ""
    variables: tuple[str, ...] = ()
    model: str | None = None
    temperature: float | None = None
    created_at: int = 0


class RenderedPrompt(Struct, frozen=True):
    """A template with its values filled in."""

    text: str
    model: str | None = None
    temperature: float | None = None


def session_lock(owner: str, session_id: str) -> str:
    """The name of a session's lock: whoever changes its leaf or its queue holds it meanwhile."""
    return f"session/{owner}/{session_id}"
