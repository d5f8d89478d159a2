"""Records and journal in dicts; a journal whose commits come when the test says so."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from msgspec import structs

from talkwire.canon.errors import (
    Busy,
    Conflict,
    Fenced,
    IdempotencyMismatch,
    NotFound,
    TalkwireError,
)
from talkwire.canon.events import Stamped, TurnCompleted, TurnStarted
from talkwire.canon.fold import fold
from talkwire.canon.records import (
    Approval,
    Idempotency,
    NewTurn,
    Outcome,
    Started,
    StoredMessage,
    TurnRecord,
    Unfinished,
)
from talkwire.canon.turn import Message, answer_message_id, input_message_id
from talkwire.engine.storage_ports import Tail
from tests.engine.waiting import FakeApprovals


class FakeRecords:
    """Sessions, messages, turns and their held events in dicts."""

    def __init__(self) -> None:
        self.turns: dict[str, TurnRecord] = {}
        self.events: dict[str, list[Stamped]] = {}
        self.messages: dict[str, StoredMessage] = {}
        self.owners: dict[str, str] = {}
        self.leaves: dict[str, str] = {}
        self.keys: dict[tuple[str, str], tuple[str, str]] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.begun: list[str] = []
        self.stops: dict[str, str] = {}
        self.apart: set[str] = set()
        self.approvals = FakeApprovals()
        self.before_start: Callable[[NewTurn], None] = lambda new: None
        self.after_start: dict[str, asyncio.Event] = {}  # by the request's text

    async def start(self, new: NewTurn) -> Started:
        await asyncio.sleep(0)
        self.before_start(new)
        key = new.idempotency
        if key is not None and (new.owner, key.key) in self.keys:
            fingerprint, turn_id = self.keys[new.owner, key.key]
            if fingerprint != key.fingerprint:
                raise IdempotencyMismatch("another body")
            return Started(self.turns[turn_id], fresh=False)
        started = self._store(new)
        if key is not None:
            self.keys[new.owner, key.key] = (key.fingerprint, new.turn_id)
        if (gate := self.after_start.get(new.request.text)) is not None:
            await gate.wait()
        return started

    async def known(self, owner: str, wanted: Idempotency) -> TurnRecord | None:
        if (owner, wanted.key) not in self.keys:
            return None
        fingerprint, turn_id = self.keys[owner, wanted.key]
        if fingerprint != wanted.fingerprint:
            raise IdempotencyMismatch("another body")
        return self.turns[turn_id]

    def _store(self, new: NewTurn) -> Started:
        request = new.request
        session = request.session_id
        if not request.keep:
            return self._apart(new)
        known = session in self.owners
        if self.owners.setdefault(session, new.owner) != new.owner:
            raise NotFound("no such session")
        ahead = [
            turn
            for turn_id, turn in self.turns.items()
            if turn.session_id == session and not turn.ended and turn_id not in self.apart
        ]
        if ahead and (new.on_busy == "reject" or len(ahead) > new.max_waiting):
            raise Busy("busy", turn_id=ahead[0].turn_id)
        leaf = answer_message_id(ahead[-1].turn_id) if ahead else self.leaves.get(session)
        follows = request.parent_id is None or new.verdict is not None
        parent = leaf if follows else (request.parent_id or None)
        if request.parent_id and request.parent_id not in self.messages:
            raise NotFound("no such message")
        name = input_message_id(new.turn_id)
        if request.parts:
            message = Message(name, "user", request.parts)
            stored = StoredMessage(message, session, parent, new.turn_id, new.at)
            self.messages[name], parent = stored, name
        decision = None if new.verdict is None else self.approvals.claim(new, new.verdict, parent)
        event = TurnStarted(new.turn_id, session, request.wire, request, parent, decision)
        events = [Stamped(0, new.at, event)]
        if new.route is not None:
            events.append(Stamped(1, new.at, new.route))
        record = TurnRecord(
            new.turn_id,
            session,
            new.owner,
            request.wire,
            "queued" if ahead else "running",
            new.at,
            key_id=new.key_id,
        )
        self.turns[new.turn_id], self.events[new.turn_id] = record, events
        others = tuple(turn.turn_id for turn in ahead)
        if new.on_busy == "interrupt":
            self.stops |= dict.fromkeys(others, "interrupt")
        return Started(
            record, fresh=True, events=tuple(events), ahead=others, new_session=not known
        )

    def _apart(self, new: NewTurn) -> Started:
        self.apart.add(new.turn_id)
        request = new.request
        event = TurnStarted(new.turn_id, request.session_id, request.wire, request)
        events = [Stamped(0, new.at, event)]
        if new.route is not None:
            events.append(Stamped(1, new.at, new.route))
        record = TurnRecord(
            new.turn_id,
            request.session_id,
            new.owner,
            request.wire,
            "running",
            new.at,
            key_id=new.key_id,
        )
        self.turns[new.turn_id], self.events[new.turn_id] = record, events
        return Started(record, fresh=True, events=tuple(events))

    async def running(self, turn_id: str) -> None:
        self.begun.append(turn_id)
        self.turns[turn_id] = structs.replace(self.turns[turn_id], status="running")

    async def stop(self, owner: str, turn_id: str, by: str) -> TurnRecord:
        record = await self.turn(owner, turn_id)
        if not record.ended:
            self.stops.setdefault(turn_id, by)
        return record

    async def to_stop(self) -> list[tuple[str, str]]:
        return [(each, by) for each, by in self.stops.items() if not self.turns[each].ended]

    async def ended(self, owner: str, turn_ids: Sequence[str]) -> set[str]:
        known = {each for each in turn_ids if each in self.turns}
        return {each for each in turn_ids if each not in known or self.turns[each].ended}

    async def under_way(self, owner: str, session_id: str) -> list[str]:
        return [
            turn.turn_id
            for turn in self.turns.values()
            if (turn.owner, turn.session_id) == (owner, session_id) and not turn.ended
        ]

    async def turn(self, owner: str, turn_id: str) -> TurnRecord:
        record = self.turns.get(turn_id)
        if record is None or record.owner != owner:
            raise NotFound("no such turn")
        return record

    async def path(self, owner: str, session_id: str, leaf: str | None) -> list[StoredMessage]:
        found: list[StoredMessage] = []
        if self.owners.get(session_id) != owner:
            return found
        at = leaf if leaf is not None else self.leaves.get(session_id)
        while at is not None and (stored := self.messages.get(at)) is not None:
            found.append(stored)
            at = stored.parent_id
        return found[::-1]

    async def approval(self, owner: str, call_id: str) -> Approval:
        return self.approvals.find(owner, call_id)

    async def message(self, owner: str, message_id: str) -> StoredMessage:
        stored = self.messages.get(message_id)
        if stored is None or self.owners[stored.session_id] != owner:
            raise NotFound("no such message")
        return stored

    async def unfinished(self) -> list[Unfinished]:
        return [
            Unfinished(record, tuple(self.events[turn_id]))
            for turn_id, record in self.turns.items()
            if not record.ended
        ]

    def end(self, outcome: Outcome) -> None:
        """One transaction: the log, the messages, the status."""
        turn_id = outcome.turn_id
        if self.turns[turn_id].ended:
            raise Conflict("it has ended already")
        fold(outcome.log)
        assert outcome.log[: len(self.events[turn_id])] == tuple(self.events[turn_id])
        assert outcome.log[-len(outcome.tail) :] == outcome.tail
        self.outcomes[turn_id] = outcome
        self.events[turn_id] = list(outcome.log)
        parent = outcome.parent_id
        for message in outcome.messages:
            at = outcome.ended_at
            stored = StoredMessage(message, outcome.session_id, parent, turn_id, at)
            self.messages[message.id], parent = stored, message.id
        if parent is not None:
            self.leaves[outcome.session_id] = parent
        self.turns[turn_id] = structs.replace(self.turns[turn_id], status=outcome.status)
        if outcome.terminal == TurnCompleted("approval_required"):
            self.approvals.ask(outcome)


class FakeJournal:
    """Commits on the loop's next round, or, when `manual`, as the test says."""

    def __init__(self, records: FakeRecords) -> None:
        self.records = records
        self.manual = False
        self.fenced = False
        self.tails: dict[str, Tail] = {}
        self.pending: dict[str, list[Stamped]] = {}
        self.finish_fails: deque[Exception] = deque()
        self.finish_gate: asyncio.Event | None = None
        self.finishes = 0

    def attach(self, turn_id: str, tail: Tail) -> None:
        self.tails[turn_id] = tail
        self.pending[turn_id] = []

    def detach(self, turn_id: str) -> None:
        del self.tails[turn_id], self.pending[turn_id]

    def append(self, turn_id: str, batch: Sequence[Stamped]) -> None:
        due = len(self.records.events[turn_id]) + len(self.pending[turn_id])
        assert [stamped.n for stamped in batch] == list(range(due, due + len(batch)))
        self.pending[turn_id] += batch
        if not self.manual:
            asyncio.get_running_loop().call_soon(self.commit, turn_id)

    def commit(self, turn_id: str, most: int | None = None) -> None:
        """Hold what is pending, or the first `most` events of it."""
        pending = self.pending.get(turn_id)
        if not pending or self.fenced:
            return
        count = len(pending) if most is None else most
        held = self.records.events[turn_id]
        held += pending[:count]
        del pending[:count]
        self.tails[turn_id].committed(len(held))

    def lose(self, error: TalkwireError) -> None:
        """Nothing more can be held."""
        self.fenced = True
        for tail in list(self.tails.values()):
            tail.lost(error)

    async def finish(self, outcome: Outcome) -> None:
        self.finishes += 1
        await asyncio.sleep(0)
        if self.finish_gate is not None:
            await self.finish_gate.wait()
        if self.finish_fails:
            raise self.finish_fails.popleft()
        if self.fenced:
            raise Fenced("taken over")
        self.records.end(outcome)
        self.pending[outcome.turn_id].clear()
        self.tails[outcome.turn_id].committed(len(outcome.log))

    async def read_many(self, wanted: Mapping[str, int]) -> dict[str, list[Stamped]]:
        return {turn_id: await self.read(turn_id, start) for turn_id, start in wanted.items()}

    async def read(self, turn_id: str, start: int) -> list[Stamped]:
        await asyncio.sleep(0)
        return self.records.events.get(turn_id, [])[start:]
