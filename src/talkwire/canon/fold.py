"""Events folded: into the state of a turn, and into the messages that are stored.

`TurnState` is the one value of this package that changes: a turn folds every token into it, and
a copy a token would make an answer's cost the square of its length. It is owned by one runner.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import Literal

from talkwire.canon.events import (
    TERMINAL,
    AnyEvent,
    AttemptFailed,
    AudioCompleted,
    AudioDelta,
    AudioFailed,
    MessageCompleted,
    ReasoningDelta,
    RouteChosen,
    Stamped,
    Terminal,
    TextDelta,
    ToolApprovalRequested,
    ToolCalled,
    ToolFinished,
    TurnAdopted,
    TurnCompleted,
    TurnStarted,
    UsageCounted,
)
from talkwire.canon.records import Usage
from talkwire.canon.scenarios import Scene
from talkwire.canon.tools import Decision
from talkwire.canon.turn import (
    Call,
    FinishReason,
    Message,
    TextPart,
    TurnRequest,
    answer_message_id,
)

_STOPPED = "interrupted: the turn was stopped while the tool may have been running."


class TurnState:
    """Where a turn stands: the fold of its events so far."""

    __slots__ = (
        "adoptions",
        "attempts",
        "audio",
        "by_model",
        "calls",
        "count",
        "counted",
        "decision",
        "first_token_at",
        "message",
        "parent_id",
        "request",
        "results",
        "rounds",
        "route",
        "session_id",
        "spoken_ms",
        "started_at",
        "terminal",
        "texts",
        "thoughts",
        "tried",
        "turn_id",
        "usage",
        "waiting",
        "wire",
    )

    def __init__(self) -> None:
        self.turn_id = ""
        self.session_id = ""
        self.wire = ""
        self.request: TurnRequest | None = None
        self.parent_id: str | None = None
        self.decision: Decision | None = None
        self.started_at = 0
        self.first_token_at: int | None = None
        self.route: RouteChosen | None = None
        self.tried: list[str] = []  # the models that were chosen, in turn
        self.attempts = 0
        self.texts: list[str] = []
        self.thoughts: list[str] = []
        self.calls: dict[str, ToolCalled] = {}
        self.results: dict[str, ToolFinished] = {}
        self.waiting: dict[str, ToolApprovalRequested] = {}
        self.rounds: list[Message] = []
        self.usage: list[UsageCounted] = []
        self.by_model: dict[str | None, Usage] = {}  # models that were chosen or asked, in turn
        self.counted = (0, 0)  # so many pieces of text and of thinking have their usage told
        self.message: Message | None = None
        self.audio: Literal["none", "partial", "completed", "failed"] = "none"
        self.spoken_ms = 0
        self.terminal: Terminal | None = None
        self.adoptions = 0
        self.count = 0

    def apply(self, stamped: Stamped) -> None:
        """Fold one event in. Events come in order, from 0; see `fold`."""
        event = stamped.event
        self.count = stamped.n + 1
        if type(event) is TextDelta:
            self.texts.append(event.text)
            if self.first_token_at is None:
                self.first_token_at = stamped.at
        elif type(event) is ReasoningDelta:
            self.thoughts.append(event.text)
            if self.first_token_at is None:
                self.first_token_at = stamped.at
        else:
            self._apply_rare(event, stamped.at)

    def _apply_rare(self, event: AnyEvent, at: int) -> None:
        if isinstance(event, TurnStarted):
            self.turn_id, self.session_id = event.turn_id, event.session_id
            self.wire, self.request = event.wire, event.request
            self.parent_id, self.started_at = event.parent_id, at
            self.decision = event.decision
        elif isinstance(event, RouteChosen):
            self.route = event
            self.tried.append(event.model)
            self.by_model.setdefault(event.model, Usage())
        elif isinstance(event, AttemptFailed):
            self.attempts = event.attempt
        elif isinstance(event, UsageCounted):
            self._count(event)
        elif isinstance(event, MessageCompleted):
            self.message = event.message
            self.texts, self.counted = [], (0, len(self.thoughts))
        elif isinstance(event, TurnAdopted):
            self.adoptions += 1
        elif isinstance(event, TERMINAL):
            self.terminal = event
        else:
            self._apply_work(event)

    def _count(self, event: UsageCounted) -> None:
        model = event.model or self.model
        self.usage.append(event)
        self.by_model[model] = self.by_model.get(model, Usage()).plus(event)
        self.counted = (len(self.texts), len(self.thoughts))

    def _apply_work(self, event: AnyEvent) -> None:
        if isinstance(event, ToolCalled):
            self.calls[event.call_id] = event
        elif isinstance(event, ToolApprovalRequested):
            self.waiting[event.call_id] = event
        elif isinstance(event, ToolFinished):
            self.results[event.call_id] = event
            if len(self.results) == len(self.calls):
                self.rounds += self._round()
                self.texts, self.thoughts, self.calls, self.results = [], [], {}, {}
                self.counted = (0, 0)
        elif isinstance(event, AudioDelta):
            self.audio = "partial"
        elif isinstance(event, AudioCompleted):
            self.audio, self.spoken_ms = "completed", event.duration_ms
        elif isinstance(event, AudioFailed):
            self.audio = "failed"

    def _round(self) -> list[Message]:
        """The step as messages: its calls and the text before them, then the results there are.

        A call that was decided on was asked for in the turn before, which has the calls already.
        """
        answer, first = answer_message_id(self.turn_id), len(self.rounds)
        made: list[Message] = []
        if not self._decides:
            calls = tuple(Call(c.call_id, c.name, c.arguments) for c in self.calls.values())
            why: FinishReason | None = "approval_required" if self.waiting else None
            text = _parts(self.texts)
            made.append(
                Message(f"{answer}_{first}", "assistant", text, calls, None, self.model, False, why)
            )
        for call_id, done in self.results.items():
            name = f"{answer}_{first + len(made)}"
            parts, cut = (TextPart(done.result),), done.truncated
            made.append(Message(name, "tool", parts, call_id=call_id, incomplete=cut))
        return made

    @property
    def asked(self) -> TurnRequest:
        """The request. :raises ValueError: the state has no events yet."""
        if self.request is None:
            raise ValueError("a turn without turn.started")
        return self.request

    @property
    def model(self) -> str | None:
        """The routed model's name, once there is one."""
        return self.route.model if self.route else None

    @property
    def scene(self) -> Scene | None:
        """Where the turn is in a scenario, once that is decided."""
        return self.route.scenario if self.route else None

    @property
    def text(self) -> str:
        """The answer so far: the completed message's text or the pieces since the last round."""
        return self.message.text if self.message else "".join(self.texts)

    @property
    def visible(self) -> bool:
        """True once the model has said anything that a client may have seen."""
        return bool(self.texts or self.thoughts or self.rounds or self.calls or self.message)

    @property
    def open_calls(self) -> tuple[ToolCalled, ...]:
        """Tool calls that have no result yet, and wait for nobody."""
        settled = {**self.results, **self.waiting}
        return tuple(c for c in self.calls.values() if c.call_id not in settled)

    @property
    def _decides(self) -> bool:
        """True as long as the call that was decided on has no result."""
        return self.decision is not None and not self.rounds

    @property
    def uncounted(self) -> list[str]:
        """Text and thinking whose usage was not told, piece by piece."""
        return self.texts[self.counted[0] :] + self.thoughts[self.counted[1] :]

    def total_usage(self) -> Usage:
        """The sum over the turn's model calls."""
        return reduce(Usage.plus, self.usage, Usage())

    def messages(self) -> tuple[Message, ...]:
        """The assistant and tool messages to store, the answer last, cut ones marked incomplete.

        There is always an answer, be it empty: the next turn of the session hangs on its id.
        """
        if self.message is not None:
            return (*self.rounds, self.message)
        waits = self.terminal == TurnCompleted("approval_required")
        asked = self._round() if waits and self.waiting else []
        return (
            *self.rounds,
            *asked,
            *self._stopped(),
            Message(
                answer_message_id(self.turn_id),
                "assistant",
                () if asked else _parts(self.texts),
                model=self.model,
                incomplete=not waits,
                finish_reason="approval_required" if waits else None,
                scene=self.scene,
            ),
        )

    def _stopped(self) -> list[Message]:
        """The result of a call that was decided on, where the turn has ended before it came."""
        if not self._decides or not self.calls:
            return []
        (call_id,) = self.calls
        name = f"{answer_message_id(self.turn_id)}_0"
        return [Message(name, "tool", (TextPart(_STOPPED),), call_id=call_id)]


def fold(events: Iterable[Stamped]) -> TurnState:
    """The state of a turn from its events, in order from 0.

    :raises ValueError: a gap, a repeat, or an event after the terminal one.
    """
    state = TurnState()
    for stamped in events:
        check(state, stamped)
        state.apply(stamped)
    return state


def check(state: TurnState, stamped: Stamped) -> None:
    """Hold the grammar: numbers without gaps, `turn.started` first, nothing after the terminal.

    :raises ValueError: the event may not come here.
    """
    if stamped.n != state.count:
        raise ValueError(f"event {stamped.n} came where {state.count} was due")
    if (stamped.n == 0) != isinstance(stamped.event, TurnStarted):
        raise ValueError("turn.started must be event 0 and only event 0")
    if state.terminal is not None:
        raise ValueError("an event came after the terminal one")


def _parts(texts: list[str]) -> tuple[TextPart, ...]:
    joined = "".join(texts)
    return (TextPart(joined),) if joined else ()
