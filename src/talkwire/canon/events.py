"""The canonical events of a turn, their numbering and their JSON.

Everything that happens in a turn is one of these, numbered from 0 without gaps; exactly one
terminal event, always last. A new capability is a new event here: mypy then names every encoder
that has no word for it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from talkwire.canon.scenarios import Scene
from talkwire.canon.tools import Decision
from talkwire.canon.turn import FinishReason, Message, TurnRequest


class Event(Struct, frozen=True, tag_field="kind", omit_defaults=True, gc=False):
    """The root of all events; its JSON carries `kind`."""


class TurnStarted(Event, frozen=True, tag="turn.started"):
    """The turn was accepted; `request` holds all of it but secrets.

    With a `decision` it carries on where another turn waits for a person.
    """

    turn_id: str
    session_id: str
    wire: str
    request: TurnRequest
    parent_id: str | None = None
    decision: Decision | None = None


class RouteChosen(Event, frozen=True, tag="route.chosen"):
    """Which model answers, and why. `model_type` is the configured class of the model.

    Told again where another model takes over from one that failed.
    """

    model: str
    model_type: str
    agent_id: str | None = None
    scenario: Scene | None = None
    reasons: tuple[str, ...] = ()


class AttemptFailed(Event, frozen=True, tag="attempt.failed"):
    """An attempt failed before its first token; the model is asked again after `delay_ms`."""

    attempt: int
    max_attempts: int
    delay_ms: int
    reason: str


class TextDelta(Event, frozen=True, tag="text.delta", gc=False):
    """The next piece of the answer."""

    text: str


class ReasoningDelta(Event, frozen=True, tag="reasoning.delta", gc=False):
    """The next piece of the model's thinking."""

    text: str


class AgentStarted(Event, frozen=True, tag="agent.started"):
    """An agent (or a team's member) begins to speak."""

    agent_id: str
    name: str


class AgentCompleted(Event, frozen=True, tag="agent.completed"):
    """The agent that began last under this id is done."""

    agent_id: str
    name: str


class ToolCalled(Event, frozen=True, tag="tool.called"):
    """The model asked for a tool; `arguments` is whole JSON text."""

    call_id: str
    name: str
    arguments: str


class ToolApprovalRequested(Event, frozen=True, tag="tool.approval_requested"):
    """The call waits for a person; the turn then ends with `approval_required`.

    It is stored together with that end, so whoever sees it can decide at once. `expires_at` is in
    Unix milliseconds.
    """

    call_id: str
    name: str
    arguments: str
    expires_at: int


class ToolOutput(Event, frozen=True, tag="tool.output"):
    """A piece of what a running tool says."""

    call_id: str
    text: str


class ToolFinished(Event, frozen=True, tag="tool.finished"):
    """The result that the model sees."""

    call_id: str
    result: str
    is_error: bool = False
    summarized: bool = False
    truncated: bool = False


class UsageCounted(Event, frozen=True, tag="usage.counted"):
    """Tokens of one model call; `estimated` when the provider gave none that can be believed.

    They are of the model that the route names; of `model` where there is no route yet.
    """

    input_tokens: int
    output_tokens: int
    estimated: bool = False
    cost: float | None = None
    model: str | None = None


class TurnAdopted(Event, frozen=True, tag="turn.adopted"):
    """Another process (or the same node after a restart) carries the turn on."""

    node: str
    epoch: int


class MessageCompleted(Event, frozen=True, tag="message.completed"):
    """The whole assistant message as it will be stored."""

    message: Message


class AudioDelta(Event, frozen=True, tag="audio.delta"):
    """A piece of speech, base64."""

    mime: str
    data: str


class AudioCompleted(Event, frozen=True, tag="audio.completed"):
    """All speech was sent; it lasts `duration_ms`, 0 where that is not known."""

    voice_id: str
    duration_ms: int = 0


class AudioFailed(Event, frozen=True, tag="audio.failed"):
    """Speech failed; the text stays complete."""

    voice_id: str
    code: str
    message: str


class TurnCompleted(Event, frozen=True, tag="turn.completed"):
    """Terminal: the answer is whole."""

    finish_reason: FinishReason


class TurnFailed(Event, frozen=True, tag="turn.failed"):
    """Terminal: the answer could not be finished; what was said is kept, marked incomplete."""

    code: str
    message: str
    retryable: bool = False


class TurnAborted(Event, frozen=True, tag="turn.aborted"):
    """Terminal: somebody stopped it. `by`: client | disconnect | interrupt | session."""

    by: str


Terminal = TurnCompleted | TurnFailed | TurnAborted
AnyEvent = (
    TurnStarted
    | RouteChosen
    | AttemptFailed
    | TextDelta
    | ReasoningDelta
    | AgentStarted
    | AgentCompleted
    | ToolCalled
    | ToolApprovalRequested
    | ToolOutput
    | ToolFinished
    | UsageCounted
    | TurnAdopted
    | MessageCompleted
    | AudioDelta
    | AudioCompleted
    | AudioFailed
    | TurnCompleted
    | TurnFailed
    | TurnAborted
)
TERMINAL = (TurnCompleted, TurnFailed, TurnAborted)


class Stamped(Struct, frozen=True, array_like=True, gc=False):
    """An event with its number in the turn and its time, Unix milliseconds."""

    n: int
    at: int
    event: AnyEvent


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[Stamped])


def kind_of(event: AnyEvent) -> str:
    """The event's canonical name, as in its JSON."""
    return str(type(event).__struct_config__.tag)


def dump(batch: Sequence[Stamped]) -> bytes:
    """A batch as a JSON array of `[n, at, event]`."""
    return _encoder.encode(batch)


def load(payload: bytes | str) -> list[Stamped]:
    """The inverse of `dump`.

    :raises msgspec.ValidationError: not a batch of events.
    """
    return _decoder.decode(payload)
