"""What closes an answer. More of it: tests/engine/test_perform.py."""

from __future__ import annotations

from talkwire.canon.deltas import CallPiece, Finish, Text
from talkwire.canon.events import MessageCompleted, Stamped, TextDelta, ToolCalled, TurnStarted
from talkwire.canon.fold import fold
from talkwire.canon.tools import Tool
from talkwire.canon.turn import Call, Message, ModelRequest, Plan
from talkwire.engine.assemble import Assembler
from talkwire.engine.endings import answered, at_limit, refused
from talkwire.engine.ids import is_call_id
from talkwire.engine.steps import CallTools, SayLimit
from tests.engine.fakes import asking

STATE = fold([Stamped(0, 1, TurnStarted("t", "s_1", "native", asking()))])
PLAN = Plan("default", "cloud")


def test_an_answer_without_calls_is_its_message() -> None:
    assembler = Assembler("call")
    assembler.feed([Text("Hi"), Finish("length")])

    (event,) = answered(assembler, STATE, plan=PLAN, request=ModelRequest("m", ()), offered={})

    assert isinstance(event, MessageCompleted)
    assert (event.message.id, event.message.finish_reason) == ("msg_t", "length")


def test_a_call_has_its_tool_s_own_name_and_an_id_like_no_other() -> None:
    assembler = Assembler("call")
    assembler.feed([CallPiece(0, "call_0", "a_b", "{}"), Finish("stop")])
    before = Message("m", "assistant", calls=(Call("call_0", "a_b", "{}"),))

    (event,) = answered(
        assembler,
        STATE,
        plan=PLAN,
        request=ModelRequest("m", (before,)),
        offered={"a_b": Tool("a.b")},
    )

    assert isinstance(event, ToolCalled)
    assert event.name == "a.b"
    assert is_call_id(event.call_id)


def test_words_in_the_model_s_place_are_told_and_stored_alike() -> None:
    said, whole = at_limit(SayLimit(3), STATE)

    assert isinstance(said, TextDelta)
    assert isinstance(whole, MessageCompleted)
    assert said.text == whole.message.text
    assert whole.message.finish_reason == "tool_limit"


def test_each_call_that_cannot_be_run_is_answered() -> None:
    calls = (ToolCalled("1", "a", "{}"), ToolCalled("2", "b", "{}"))

    assert [each.call_id for each in refused(CallTools(calls))] == ["1", "2"]
    assert {each.result for each in refused(CallTools(calls, interrupted=True))} == {"interrupted"}
