"""What waits for a person: which calls have to, and what is said of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import structs

from talkwire.canon.events import ToolApprovalRequested, ToolCalled
from talkwire.canon.records import Approval
from talkwire.canon.tools import Decision, Tool
from talkwire.canon.turn import TurnRequest, input_message_id
from talkwire.engine.ids import is_call_id
from talkwire.engine.live import LiveTurn, now_ms

Faults = Callable[[dict[str, Any], dict[str, Any]], str | None]
"""What is wrong with arguments by their schema, in words for a model; None if nothing is."""


class Approvals:
    """A person has `ttl_s` for each decision."""

    def __init__(
        self, *, ttl_s: float = 900.0, faults: Faults = lambda schema, arguments: None
    ) -> None:
        self._ttl_ms = int(ttl_s * 1000)
        self._faults = faults

    def fault(
        self, call: ToolCalled, tool: Tool, arguments: dict[str, Any], live: LiveTurn
    ) -> str | None:
        """Why a person cannot be asked about a call, in words for the model; None if one can.

        Whoever decides sees the arguments, so they are right before anybody is asked. A turn that
        is none of its session's has no next turn that could carry on; and an id that is not ours
        could be that of another call, which somebody else is just deciding on.
        """
        if (why := self._faults(tool.input_schema, arguments)) is not None:
            return why
        request = live.state.asked
        if not request.keep or request.context or not is_call_id(call.call_id):
            return "This tool needs a person's approval, which cannot be given here."
        return None

    def request(self, call: ToolCalled) -> ToolApprovalRequested:
        """The question, from now on."""
        until = now_ms() + self._ttl_ms
        return ToolApprovalRequested(call.call_id, call.name, call.arguments, until)


def approved(call: ToolCalled, live: LiveTurn) -> bool:
    """True for the one call that this turn was started to run."""
    decision, first = live.state.decision, not live.state.rounds
    return first and decision is not None and decision.approved and decision.call_id == call.call_id


def refusal(decision: Decision) -> str:
    """What the model is told of a call that a person has refused."""
    why = f" They said: {decision.reason}" if decision.reason else ""
    return f"The person refused this call; it was not run.{why}"


def carried_on(waits: Approval) -> TurnRequest:
    """What the turn is asked that goes on where the other one has ended."""
    asked = waits.request
    # Another answer to that turn is one to the message that both turns are about.
    about = input_message_id(waits.turn_id) if asked.parts else asked.parent_id
    return structs.replace(asked, parts=(), parent_id=about, on_busy="queue", request_id="")
