"""Events and records to what this wire's tools say, and errors to JSON-RPC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from starlette.types import Scope

from talkwire.canon.errors import BadRequest, TalkwireError
from talkwire.canon.events import Stamped, TextDelta, TurnCompleted, TurnFailed
from talkwire.canon.fold import TurnState
from talkwire.canon.records import SessionRecord, StoredMessage
from talkwire.canon.scenarios import Scene
from talkwire.canon.turn import answer_message_id
from talkwire.web.faults import request_id_of

ERROR = "talkwire/error"  # where `_meta` of a result says more of what went wrong
PARSE_ERROR, INVALID_REQUEST, INTERNAL_ERROR = -32700, -32600, -32603


class NotJsonRpc(BadRequest):
    """The body is no JSON object."""


class Stopped(TalkwireError):
    """Somebody stopped the answer; what was said is kept."""

    code, status = "aborted", 409


class Encoder:
    """The text of a turn as it is told while it comes: a piece for each batch that has some.

    `state` is the fold of all that was fed.
    """

    def __init__(self, turn_id: str, session_id: str) -> None:
        self.turn_id = turn_id
        self.session_id = session_id
        self.state = TurnState()

    def feed(self, batch: Sequence[Stamped]) -> list[bytes]:
        """The text of these events, in one piece or none."""
        for stamped in batch:
            self.state.apply(stamped)
        events = [stamped.event for stamped in batch]
        text = "".join(event.text for event in events if isinstance(event, TextDelta))
        return [text.encode()] if text else []


def ended(state: TurnState) -> TurnCompleted:
    """The end of a turn that has come to its end.

    :raises TalkwireError: it failed, or somebody stopped it.
    """
    end = state.terminal
    if isinstance(end, TurnFailed):
        failure = TalkwireError(end.message, code=end.code)
        failure.retryable = end.retryable
        raise failure
    if not isinstance(end, TurnCompleted):
        raise Stopped("The answer was stopped.")
    return end


def helped(state: TurnState) -> dict[str, Any]:
    """What `ask_support` gives of a turn that has ended. :raises TalkwireError: as `ended`."""
    ended(state)
    scene = state.scene or Scene()
    return {
        "session_id": state.session_id,
        "turn_id": state.turn_id,
        "text": state.text,
        "category": scene.category,
        "subcategory": scene.subcategory,
        "move": scene.move,
        "confidence": float(scene.confidence),
        "related_subcategories": list(scene.related),
        "sop_references": list(scene.sop_references),
    }


def scenario_list(listing: Mapping[str, Any], category: str) -> dict[str, Any]:
    """The scenarios of one category, or of all."""
    names = ("category", "subcategory", "description")
    found = [
        {name: each[name] for name in names}
        for key, scenarios in listing["categories"].items()
        if category in ("", key)
        for each in scenarios
    ]
    return {"scenarios": found}


def answer(state: TurnState) -> dict[str, Any]:
    """What `chat` gives of a turn that has ended. :raises TalkwireError: as `ended`."""
    end = ended(state)
    usage = state.total_usage()
    return {
        "session_id": state.session_id,
        "turn_id": state.turn_id,
        "message_id": answer_message_id(state.turn_id),
        "text": state.text,
        "model": state.model,
        "finish_reason": end.finish_reason,
        "usage": {
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "estimated": usage.estimated,
        },
        "approvals": [
            {
                "tool_call_id": asked.call_id,
                "tool_name": asked.name,
                "arguments": asked.arguments,
                "expires_at": asked.expires_at,
            }
            for asked in state.waiting.values()
        ],
    }


def spoken(answered: dict[str, Any]) -> str:
    """The answer for who reads text alone; what waits for a person is said in words."""
    waits = [
        f"Waiting for a person to approve {asked['tool_name']}({asked['arguments']})."
        for asked in answered.get("approvals", ())
    ]
    return "\n\n".join(part for part in (answered["text"], *waits) if part)


def session_list(found: Sequence[SessionRecord], limit: int) -> dict[str, Any]:
    """A page of sessions; full ones have a cursor for the next."""
    last = found[-1] if len(found) == limit else None
    return {
        "sessions": [msgspec.to_builtins(each) for each in found],
        "next_cursor": None if last is None else f"{last.updated_at}:{last.session_id}",
    }


def message_list(found: Sequence[StoredMessage], session_id: str) -> dict[str, Any]:
    """A page of messages; the cursor is the message above the first of them."""
    return {
        "session_id": session_id,
        "messages": [
            {
                "message_id": each.message.id,
                "role": each.message.role,
                "text": each.message.text,
                "model": each.message.model,
                "incomplete": each.message.incomplete,
                "turn_id": each.turn_id,
                "created_at": each.created_at,
            }
            for each in found
        ],
        "next_cursor": found[0].parent_id,
    }


def told(error: TalkwireError) -> dict[str, Any]:
    """An error of a tool: for the model, which may act on it."""
    return {"error": error.message, "code": error.code, "retryable": error.retryable}


def fault(error: TalkwireError, scope: Scope) -> tuple[int, bytes, str]:
    """An error of a request, before any tool was asked for: JSON-RPC, with the HTTP status."""
    code = INTERNAL_ERROR if error.status >= 500 else INVALID_REQUEST
    if isinstance(error, NotJsonRpc):
        code = PARSE_ERROR
    about = {"code": error.code, "retryable": error.retryable, "request_id": request_id_of(scope)}
    body = {
        "jsonrpc": "2.0",
        "id": None,
        "error": {"code": code, "message": error.message, "data": about},
    }
    return error.status, msgspec.json.encode(body), "application/json"
