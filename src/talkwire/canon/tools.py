"""Tools as a model sees them, and what a call of one gives back."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

RESULT_CHARS = 1_000_000
"""What is kept of one result at most."""


class Tool(Struct, frozen=True):
    """One tool on offer. `input_schema` is a JSON Schema of an object.

    `server` names where it runs. `idempotent`: a call that may have run already may run again.
    `requires_approval`: a person has to agree to each call. `timeout_s` bounds one call.
    """

    name: str
    description: str = ""
    input_schema: dict[str, Any] = field(default_factory=lambda: {"type": "object"})
    supports_streaming: bool = False
    server: str = "local"
    idempotent: bool = False
    requires_approval: bool = False
    timeout_s: float = 60.0


class CallContext(Struct, frozen=True):
    """Who calls, and for what: for tools that keep things apart by owner."""

    owner: str
    session_id: str
    turn_id: str
    call_id: str


class Decision(Struct, frozen=True, omit_defaults=True):
    """What a person said of one call, and exactly what was asked.

    `asked_in` is the turn that asked. `more`: other calls of the same step wait for a person yet,
    so the model is not asked before their decisions.
    """

    call_id: str
    name: str
    arguments: str
    approved: bool
    asked_in: str
    reason: str | None = None
    more: bool = False


class ToolAnswer(Struct, frozen=True):
    """What a call gave. `truncated`: it was longer than is kept."""

    result: str
    is_error: bool = False
    truncated: bool = False
