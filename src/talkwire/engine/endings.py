"""What closes a model's answer: its calls, the whole message, or words in the model's place."""

from __future__ import annotations

from collections.abc import Mapping, Set

from talkwire.canon.events import (
    AnyEvent,
    MessageCompleted,
    TextDelta,
    ToolCalled,
    ToolFinished,
)
from talkwire.canon.fold import TurnState
from talkwire.canon.tools import Tool
from talkwire.canon.turn import Message, ModelRequest, Plan, TextPart, answer_message_id
from talkwire.engine.assemble import Assembler
from talkwire.engine.ids import call_id
from talkwire.engine.steps import CallTools, SayLimit


def answered(
    assembler: Assembler,
    turn: TurnState,
    *,
    plan: Plan,
    request: ModelRequest,
    offered: Mapping[str, Tool],
) -> list[AnyEvent]:
    """What closes a model's answer: its calls or the whole message."""
    if calls := assembler.calls():
        taken = {call.call_id for message in request.messages for call in message.calls}
        return [_as_known(call, offered, taken) for call in calls]
    text = turn.text
    parts = (TextPart(text),) if text else ()
    name = answer_message_id(turn.turn_id)
    finish = assembler.finish_reason
    message = Message(
        name, "assistant", parts, model=plan.model, finish_reason=finish, scene=turn.scene
    )
    return [MessageCompleted(message)]


def at_limit(step: SayLimit, turn: TurnState) -> list[AnyEvent]:
    """The last words of a turn whose model went on calling tools."""
    text = (
        f"I have called tools {step.rounds} times in a row without coming to an answer, and stop "
        "here. Tell me to go on, or ask in another way. / "
        f"已连续调用工具 {step.rounds} 轮仍无答案，就此停止；可以让我继续，或换个问法。"
    )
    name = answer_message_id(turn.turn_id)
    parts = (TextPart(text),)
    said = Message(name, "assistant", parts, model=turn.model, finish_reason="tool_limit")
    return [TextDelta(text), MessageCompleted(said)]


def _as_known(call: ToolCalled, offered: Mapping[str, Tool], taken: Set[str]) -> ToolCalled:
    """The call under the name that its tool has here.

    Some providers count their calls from 0 in each answer. One that is told apart by its id gets
    one that is unlike all others: where the conversation has such a call already, and where a
    person will be asked about it, since the decision names the id alone.
    """
    tool = offered.get(call.name)
    alike = call.call_id in taken or (tool is not None and tool.requires_approval)
    name = call_id() if alike else call.call_id
    return ToolCalled(name, tool.name if tool is not None else call.name, call.arguments)


def refused(step: CallTools) -> list[ToolFinished]:
    """No tools are configured in this server: each call is answered, so no session is bricked."""
    why = "interrupted" if step.interrupted else "There is no tool of this name."
    return [ToolFinished(call.call_id, why, is_error=True) for call in step.calls]
