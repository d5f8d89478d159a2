"""What comes next in a turn: a pure function of its state.

That is what makes adoption trivial: a process that takes over a dead one's turn folds the
journal and asks the same question.
"""

from __future__ import annotations

from typing import assert_never

from msgspec import Struct

from talkwire.canon.agents import ASSISTANT
from talkwire.canon.events import Terminal, ToolCalled, TurnCompleted, TurnFailed
from talkwire.canon.fold import TurnState
from talkwire.canon.tools import Decision
from talkwire.canon.turn import Message, OnLost


class Route(Struct, frozen=True):
    """Write down which model answers."""


class CallModel(Struct, frozen=True):
    """Ask the model; `partial` is what it has said already in this answer."""

    partial: str = ""


class Decide(Struct, frozen=True):
    """Do what a person decided: run the call, or tell that it was refused."""

    decision: Decision


class CallTools(Struct, frozen=True):
    """Run these calls. `interrupted` ones may have run already: they are not run again."""

    calls: tuple[ToolCalled, ...]
    interrupted: bool = False


class SayLimit(Struct, frozen=True):
    """Say, in the model's place, that it has called tools too often without an answer."""

    rounds: int


class Recite(Struct, frozen=True):
    """Say the scenario's own words; `partial` is what was said already."""

    partial: str = ""


class Speak(Struct, frozen=True):
    """Speak the answer. `interrupted`: some of it was sent already, so it cannot begin again; who
    has sent it can go on.
    """

    voice_id: str
    interrupted: bool = False


class Finish(Struct, frozen=True):
    """End with this event."""

    terminal: Terminal


Step = Route | CallModel | Decide | CallTools | SayLimit | Recite | Speak | Finish


LOST = TurnFailed(
    "worker_lost",
    "The server stopped while it was answering. What was said is kept; ask again for "
    "the rest. / 服务在回答途中中断，已保留已有内容，请重新提问。",
    retryable=True,
)


class Rules(Struct, frozen=True):
    """What the step depends on beside the turn's own events.

    `can_prefill`: the routed model carries a given text on exactly. `can_read`: it heeds what it is
    told to say.
    """

    on_lost: OnLost = "auto"
    can_prefill: bool = False
    can_read: bool = True
    max_tool_rounds: int = 10


def next_step(state: TurnState, rules: Rules, *, resumed: bool = False) -> Step | None:
    """The next step, or None once the turn has its terminal event.

    `resumed`: the events were written by a process that is gone, and no step of this process
    has come in between. What is half done then cannot be asked again as if it were new.
    """
    if state.terminal is not None:
        return None
    if state.route is None:
        return Route()
    if state.message is not None:
        return _after_answer(state, state.message)
    if (left := _left(state, resumed=resumed)) is not None:
        return left
    if state.decision is not None and not state.rounds:
        return Decide(state.decision)
    if state.waiting or (state.decision is not None and state.decision.more):
        return Finish(TurnCompleted("approval_required"))
    if _recites(state, rules):
        return Recite("".join(state.texts))
    if state.texts or state.thoughts:
        return _carry_on(state, rules)
    if _tool_rounds(state) >= rules.max_tool_rounds:
        return SayLimit(rules.max_tool_rounds)
    return CallModel()


def by_agent(state: TurnState) -> bool:
    """Whether an agent answers that runs its tools by itself."""
    return state.asked.agent not in (None, ASSISTANT)


def _left(state: TurnState, *, resumed: bool) -> Step | None:
    """What is to be done about calls without a result; and about an agent that was at work: it is
    one step, that cannot be carried on.
    """
    if state.open_calls:
        return CallTools(state.open_calls, interrupted=resumed or by_agent(state))
    return Finish(LOST) if by_agent(state) and state.visible else None


def _after_answer(state: TurnState, message: Message) -> Step:
    voice = state.asked.voice
    finish = Finish(TurnCompleted(message.finish_reason or "stop"))
    if voice is None or not (message.text.strip() or state.audio == "partial"):
        return finish
    match state.audio:
        case "none":
            return Speak(voice)
        case "partial":
            return Speak(voice, interrupted=True)
        case "completed" | "failed":
            return finish
        case _ as never:
            assert_never(never)


def _carry_on(state: TurnState, rules: Rules) -> Step:
    """A half-written answer of a process that died."""
    if rules.on_lost == "continue" or (rules.on_lost == "auto" and rules.can_prefill):
        return CallModel(partial="".join(state.texts))
    return Finish(LOST)


def _recites(state: TurnState, rules: Rules) -> bool:
    """Whether what is to be said is settled: no model is asked to put it in words."""
    scene = state.scene
    return scene is not None and (scene.move != "answer" or not rules.can_read)


def _tool_rounds(state: TurnState) -> int:
    return sum(1 for message in state.rounds if message.calls)
