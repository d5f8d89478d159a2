"""The values that travel: what is asked, what was decided, what a model is given.

Pure and frozen; no wire, no vendor and no storage shape in here. Secrets never enter these
values: everything in this module may be stored and read back.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from talkwire.canon.scenarios import Scene
from talkwire.canon.tools import CallContext, Tool

Role = Literal["system", "user", "assistant", "tool"]
OnBusy = Literal["queue", "reject", "interrupt"]
OnDisconnect = Literal["continue", "abort"]
OnLost = Literal["auto", "continue", "fail"]
VoiceMode = Literal["after", "live"]
FinishReason = Literal["stop", "length", "content_filter", "tool_limit", "approval_required"]
Scalar = str | int | float | bool | None


class TextPart(Struct, frozen=True, tag="text", tag_field="type"):
    """A piece of a message that is text."""

    text: str


Part = TextPart


class Call(Struct, frozen=True):
    """A tool call a model asked for; `arguments` is the JSON text it wrote."""

    call_id: str
    name: str
    arguments: str


class Message(Struct, frozen=True, omit_defaults=True):
    """One node of a session's tree, as stored and as given to models.

    `incomplete` marks text that was cut: by an abort or a failure, or since a tool's result was too
    long. `call_id` is set on `tool` messages only: the call that the message answers. Answers that
    come from a scenario have their `scene`.
    """

    id: str
    role: Role
    parts: tuple[Part, ...] = ()
    calls: tuple[Call, ...] = ()
    call_id: str | None = None
    model: str | None = None
    incomplete: bool = False
    finish_reason: FinishReason | None = None
    scene: Scene | None = None

    @property
    def text(self) -> str:
        """All text of the message, joined."""
        return "".join(part.text for part in self.parts)


class TurnRequest(Struct, frozen=True, omit_defaults=True):
    """What a wire's decoder makes of a request: one user input and how to answer it.

    An empty `parts` with a `parent_id` asks for another answer to that message (regenerate).
    `parent_id` None means: after the session's current leaf; `""` means: as a new root.

    A `context` is all that the model is given, instead of the session's history and a system
    prompt. With `keep` False nothing of the turn becomes a message of the session, and the turn
    waits for no other. `with_caller`: a key or a server was the caller's, kept nowhere, so that no
    other process can carry the turn on.

    With a `scenario` the answer comes from the catalogue of scenarios: the one of that name (in
    `category`, where names are not enough), or with `""` the one that the text is about, in
    `category` where one is given. `facts` is a JSON object of what the client knows of the case.

    With a `model_type` it is decided when the turn runs which model of that type answers, of any
    with `auto`; a `model` that is named answers if it is healthy.

    `metadata` is a JSON object that the client keeps with its message; it is read by nobody here.

    `heard_ms`: the input was spoken, for so many milliseconds, in `heard_language` (a BCP 47 tag;
    "" where nobody can tell). `voice_mode`: whether the answer is spoken `after` it is whole, or
    `live`, sentence by sentence; None leaves it to the server.

    `traceparent` names the span of whoever asked, as the W3C's header does; "" for none.

    `request_id` is that of the HTTP request, for logs: also for those of whoever adopts the turn.
    """

    session_id: str
    wire: str
    parts: tuple[Part, ...] = ()
    parent_id: str | None = None
    model: str | None = None
    agent: str | None = None
    scenario: str | None = None
    prompt: str | None = None
    prompt_variables: dict[str, Scalar] = {}
    tools: tuple[str, ...] = ()
    voice: str | None = None
    temperature: float | None = None
    max_output_tokens: int | None = None
    on_busy: OnBusy | None = None
    on_disconnect: OnDisconnect | None = None
    context: tuple[Message, ...] = ()
    keep: bool = True
    with_caller: bool = False
    category: str = ""
    facts: str = ""
    model_type: str | None = None
    heard_ms: int = 0
    voice_mode: VoiceMode | None = None
    metadata: str = ""
    heard_language: str = ""
    traceparent: str = ""
    request_id: str = ""

    @property
    def routes_late(self) -> bool:
        """Whether the route is decided when the turn runs, from the conversation."""
        return self.scenario is not None or self.model_type is not None

    @property
    def text(self) -> str:
        """All text of the input, joined."""
        return "".join(part.text for part in self.parts)


class Plan(Struct, frozen=True):
    """What route decided: which model answers, under which system prompt, and why.

    `context_tokens` is the model's whole context. Prices are per million tokens. Where an agent
    answers, `model` is the one that it asks, or its own id where that is its own affair.
    """

    model: str
    model_type: str
    instructions: str = ""
    temperature: float | None = None
    max_output_tokens: int | None = None
    voice: str | None = None
    reasons: tuple[str, ...] = ()
    context_tokens: int = 128_000
    continuation: Literal["none", "prefill"] = "none"
    price_in: float | None = None
    price_out: float | None = None
    agent_id: str | None = None


class ModelRequest(Struct, frozen=True):
    """What a model is asked: the messages that fit, oldest first, and its settings.

    `partial` is text the model has already said in this answer and is to carry on from: as a
    prefilled assistant message where the model can do that, else as an instruction. `tools` it may
    call have names that every provider takes. A `summary` is of a text that a tool has returned: a
    model that cannot read refuses it, and a `decision` too. An answer that fits a `schema` (JSON
    Schema of an object) is asked for where the provider can promise one. Agents are told who asks
    (`asked_for`; its call has no id).
    """

    model: str
    messages: tuple[Message, ...]
    instructions: str = ""
    temperature: float | None = None
    max_output_tokens: int | None = None
    partial: str = ""
    tools: tuple[Tool, ...] = ()
    purpose: Literal["answer", "summary", "decision"] = "answer"
    schema: dict[str, Any] | None = None
    asked_for: CallContext | None = None


def text_message(id: str, role: Role, text: str) -> Message:
    """A message of one text part."""
    return Message(id=id, role=role, parts=(TextPart(text),))


def input_message_id(turn_id: str) -> str:
    """The id of the turn's user message."""
    return f"msg_{turn_id}_in"


def answer_message_id(turn_id: str) -> str:
    """The id of the turn's last assistant message, known before it exists."""
    return f"msg_{turn_id}"
