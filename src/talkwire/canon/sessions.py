"""Sessions as their owners keep them: made, listed, changed, counted, taken out and brought in.

Pure values, shared by stores, engine and wires. Times are Unix milliseconds.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from talkwire.canon.records import Status, StoredMessage, Usage
from talkwire.canon.turn import Message


class NewSession(Struct, frozen=True):
    """A session that is made before anything is said in it.

    `label` is whom the owner talks with in it; `agent` and `prompt` answer where a turn names none.
    """

    session_id: str
    owner: str
    at: int
    ttl_ms: int
    title: str | None = None
    label: str | None = None
    agent: str | None = None
    prompt: str | None = None
    metadata: dict[str, Any] = {}


class Session(Struct, frozen=True):
    """A session as its owner sees it. `last` begins the text of its newest message."""

    session_id: str
    owner: str
    created_at: int
    updated_at: int
    expires_at: int
    title: str | None = None
    label: str | None = None
    agent: str | None = None
    prompt: str | None = None
    metadata: dict[str, Any] = {}
    archived: bool = False
    last: str = ""


class SessionChange(Struct, frozen=True):
    """What is to be different; what is not set stays. A title of None is none."""

    title: str | UnsetType | None = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET
    archived: bool | UnsetType = UNSET


class Whose(Struct, frozen=True):
    """Which sessions are meant: those of an owner, with a `user` those of them with that label.

    Without an owner, which is for admins, those of everybody who is that user: as their owner or
    by their label.
    """

    owner: str | None
    user: str | None = None


class SessionsAsked(Struct, frozen=True):
    """A page of a list, newest activity first, of sessions that have not expired.

    `text` is looked for in titles and in what was said; `archived` None is both. They are those
    behind `after`: `updated_at`, id and owner of the last one that was seen.
    """

    whose: Whose
    limit: int
    text: str = ""
    archived: bool | None = False
    after: tuple[int, str, str] | None = None


class HistoryAsked(Struct, frozen=True):
    """A page of a branch, oldest first: `limit` messages from `position` on, counted from 0.

    Pages of one `leaf` are those of one branch, whatever is said meanwhile; None is the current.
    """

    limit: int
    leaf: str | None = None
    position: int = 0


class HistoryEntry(Struct, frozen=True):
    """A message with what is known of its turn. `usage` is told once a turn, with its answer, and
    `metadata`, a JSON object or "", with its question.
    """

    stored: StoredMessage
    agent: str | None = None
    status: Status | None = None
    usage: Usage | None = None
    metadata: str = ""


class HistoryPage(Struct, frozen=True):
    """Some messages of the branch that ends in `leaf`, which is None where nothing was said."""

    entries: tuple[HistoryEntry, ...]
    leaf: str | None
    total: int


class SessionStats(Struct, frozen=True):
    """What is stored of some sessions, in sums. Deleted ones are not in it, imported turns neither.

    An answer takes from the time when its turn was accepted until it has ended, and those of
    `completed` turns count. `p95_ms` is the nearest rank: the least time that at least 95 of 100
    answers did not exceed. `cost` is of what has a price, None where nothing has.
    """

    sessions: int
    messages: int
    turns: dict[Status, int]
    input_tokens: int
    output_tokens: int
    cost: float | None
    first_at: int | None
    last_at: int | None
    average_ms: float | None
    p95_ms: int | None
    voice_ms: int


class ArchivedMessage(Struct, frozen=True):
    """A message of an archive; its id is of no meaning there. `parent` is the number of a message
    before it, None of a root. Messages of one turn have its number, each below the one before.
    """

    message: Message
    parent: int | None
    turn: int
    at: int


class Archive(Struct, frozen=True):
    """A whole session apart from any database: all branches, and none of its ids but its own.

    Messages come in the order of the tree, each right after its parent or a sibling's subtree,
    siblings by time; turns are numbered as they come. `leaf` is the number of the current one.
    """

    session_id: str
    created_at: int
    updated_at: int
    messages: tuple[ArchivedMessage, ...]
    leaf: int | None = None
    title: str | None = None
    label: str | None = None
    agent: str | None = None
    prompt: str | None = None
    metadata: dict[str, Any] = {}
    archived: bool = False


class Deleted(Struct, frozen=True):
    """What became of sessions that were to be deleted: `gone`, with these turns, or `busy`, since
    a turn has not ended. The rest was not there.
    """

    turn_ids: tuple[str, ...]
    gone: frozenset[str]
    busy: frozenset[str]
