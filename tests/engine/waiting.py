"""Calls that wait for a person, in dicts."""

from __future__ import annotations

from msgspec import structs

from talkwire.canon.errors import AlreadyDecided, Conflict, Gone, NotFound
from talkwire.canon.events import ToolApprovalRequested
from talkwire.canon.fold import fold
from talkwire.canon.records import Approval, NewTurn, Outcome, Verdict
from talkwire.canon.tools import Decision
from talkwire.canon.turn import answer_message_id


class FakeApprovals:
    """By owner and call; `leaves` are the messages that a decision follows."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], Approval] = {}
        self.leaves: dict[tuple[str, str], str] = {}

    def find(self, owner: str, call_id: str) -> Approval:
        if (found := self.known.get((owner, call_id))) is None:
            raise NotFound("no such call")
        return found

    def claim(self, new: NewTurn, verdict: Verdict, parent: str | None) -> Decision:
        waits = self.known[new.owner, verdict.call_id]
        if waits.decided_in is not None:
            raise AlreadyDecided("decided", turn_id=waits.decided_in)
        if waits.expires_at <= new.at:
            raise Gone("too late", code="approval_expired")
        if self.leaves[new.owner, verdict.call_id] != parent:
            raise Conflict("something else was asked", code="approval_superseded")
        self.known[new.owner, verdict.call_id] = structs.replace(
            waits, state="approved" if verdict.approved else "denied", decided_in=new.turn_id
        )
        others = [
            key
            for key, other in self.known.items()
            if other.turn_id == waits.turn_id and other.state == "pending"
        ]
        self.leaves |= dict.fromkeys(others, answer_message_id(new.turn_id))
        return Decision(
            verdict.call_id,
            waits.name,
            waits.arguments,
            verdict.approved,
            waits.turn_id,
            reason=verdict.reason,
            more=bool(others),
        )

    def ask(self, outcome: Outcome) -> None:
        asked = fold(outcome.log).asked
        for stamped in outcome.tail:
            event = stamped.event
            if isinstance(event, ToolApprovalRequested):
                key = (outcome.owner, event.call_id)
                self.leaves[key] = answer_message_id(outcome.turn_id)
                self.known[key] = Approval(
                    event.call_id,
                    outcome.session_id,
                    outcome.turn_id,
                    event.name,
                    event.arguments,
                    "pending",
                    event.expires_at,
                    asked,
                )
