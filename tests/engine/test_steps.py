from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from talkwire.canon.events import (
    AgentStarted,
    AnyEvent,
    AttemptFailed,
    AudioCompleted,
    AudioDelta,
    AudioFailed,
    MessageCompleted,
    ReasoningDelta,
    RouteChosen,
    Stamped,
    TextDelta,
    ToolApprovalRequested,
    ToolCalled,
    ToolFinished,
    TurnAdopted,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
    UsageCounted,
)
from talkwire.canon.fold import TurnState, fold
from talkwire.canon.scenarios import Move, Scene
from talkwire.canon.tools import Decision
from talkwire.canon.turn import FinishReason, Message, OnLost, TextPart, TurnRequest
from talkwire.engine.steps import (
    LOST,
    CallModel,
    CallTools,
    Decide,
    Finish,
    Recite,
    Route,
    Rules,
    SayLimit,
    Speak,
    by_agent,
    next_step,
)
from tests.canon.strategies import numbered, turns

ROUTED = RouteChosen("m", "cloud")
CALL = ToolCalled("a", "one", "{}")
ROUND = (CALL, ToolFinished("a", "A"))
VISIBLE: list[tuple[AnyEvent, ...]] = [
    (TextDelta("ha"),),
    (ReasoningDelta("hm"),),
    (ReasoningDelta("hm"), TextDelta("ha")),
]


def whole(text: str = "hi", finish: FinishReason | None = "stop") -> MessageCompleted:
    parts = (TextPart(text),) if text else ()
    return MessageCompleted(Message("msg_t", "assistant", parts, finish_reason=finish))


def after(*events: AnyEvent, voice: str | None = None) -> TurnState:
    started = TurnStarted("t", "s", "native", TurnRequest("s", "native", voice=voice))
    return fold(numbered([started, *events]))


def test_a_new_turn_is_routed_first() -> None:
    assert next_step(after(), Rules()) == Route()
    assert next_step(after(TurnAdopted("n", 2)), Rules(), resumed=True) == Route()


@pytest.mark.parametrize("resumed", [False, True])
@pytest.mark.parametrize("on_lost", ["auto", "continue", "fail"])
@pytest.mark.parametrize("more", [(), (AttemptFailed(1, 3, 5, "reset"),), (TurnAdopted("n", 2),)])
def test_while_nothing_is_visible_the_model_is_asked_as_if_anew(
    more: tuple[AnyEvent, ...], on_lost: OnLost, resumed: bool
) -> None:
    state = after(ROUTED, *more)

    assert next_step(state, Rules(on_lost=on_lost), resumed=resumed) == CallModel()


@pytest.mark.parametrize("said", VISIBLE)
@pytest.mark.parametrize(
    ("on_lost", "can_prefill", "carries_on"),
    [
        ("auto", False, False),
        ("auto", True, True),
        ("continue", False, True),
        ("continue", True, True),
        ("fail", False, False),
        ("fail", True, False),
    ],
)
def test_a_half_written_answer_is_carried_on_or_closed_as_configured(
    said: tuple[AnyEvent, ...], on_lost: OnLost, can_prefill: bool, carries_on: bool
) -> None:
    state = after(ROUTED, *said, TurnAdopted("n", 2))
    step = next_step(state, Rules(on_lost=on_lost, can_prefill=can_prefill), resumed=True)

    if carries_on:
        assert step == CallModel(partial=state.text)
    else:
        assert isinstance(step, Finish)
        assert isinstance(step.terminal, TurnFailed)
        assert (step.terminal.code, step.terminal.retryable) == ("worker_lost", True)


@pytest.mark.parametrize("resumed", [False, True])
def test_open_calls_are_run_but_never_a_second_time(resumed: bool) -> None:
    state = after(ROUTED, TextDelta("let me see"), CALL)

    assert next_step(state, Rules(), resumed=resumed) == CallTools((CALL,), interrupted=resumed)


def test_only_calls_without_a_result_are_run() -> None:
    other = ToolCalled("b", "two", "{}")

    assert next_step(after(ROUTED, CALL, other, ROUND[1]), Rules()) == CallTools((other,))


def test_after_the_results_the_model_is_asked_again() -> None:
    assert next_step(after(ROUTED, *ROUND), Rules()) == CallModel()
    assert next_step(after(ROUTED, *ROUND), Rules(), resumed=True) == CallModel()


def test_rounds_of_tools_are_bounded() -> None:
    rules = Rules(max_tool_rounds=2)

    assert next_step(after(ROUTED, *ROUND), rules) == CallModel()
    assert next_step(after(ROUTED, *ROUND, *ROUND), rules) == SayLimit(2)


@pytest.mark.parametrize("finish", ["stop", "length", "content_filter", None])
@pytest.mark.parametrize("resumed", [False, True])
def test_a_whole_answer_ends_the_turn_with_its_reason(
    finish: FinishReason | None, resumed: bool
) -> None:
    step = next_step(after(ROUTED, whole(finish=finish)), Rules(), resumed=resumed)

    assert step == Finish(TurnCompleted(finish or "stop"))


@pytest.mark.parametrize(
    ("spoken", "voice", "text", "speaks"),
    [
        ((), "v", "hi", Speak("v")),
        ((AudioDelta("m", "AAAA"),), "v", "hi", Speak("v", interrupted=True)),
        ((AudioDelta("m", "AAAA"), AudioCompleted("v")), "v", "hi", None),
        ((AudioFailed("v", "c", "m"),), "v", "hi", None),
        ((), None, "hi", None),
        ((), "v", " \n", None),
        ((), "v", "", None),
        ((AudioDelta("m", "AAAA"),), "v", "", Speak("v", interrupted=True)),
    ],
)
def test_an_answer_is_spoken_once_where_a_voice_was_asked_for(
    spoken: tuple[AnyEvent, ...], voice: str | None, text: str, speaks: Speak | None
) -> None:
    state = after(ROUTED, whole(text), *spoken, voice=voice)

    assert next_step(state, Rules()) == (speaks or Finish(TurnCompleted("stop")))


@given(turns(), st.sampled_from(["auto", "continue", "fail"]), st.booleans(), st.booleans())
def test_every_state_has_a_next_step_and_an_ended_one_has_none(
    turn: list[Stamped], on_lost: OnLost, can_prefill: bool, resumed: bool
) -> None:
    rules = Rules(on_lost=on_lost, can_prefill=can_prefill)

    assert next_step(fold(turn), rules, resumed=resumed) is None
    for count in range(1, len(turn)):
        state = fold(turn[:count])
        usage = UsageCounted(1, 1)
        step = next_step(state, rules, resumed=resumed)

        assert step is not None
        assert next_step(fold(turn[:count]), rules, resumed=resumed) == step
        state.apply(Stamped(count, 0, usage))
        assert next_step(state, rules, resumed=resumed) == step


WAITS = Finish(TurnCompleted("approval_required"))


def test_a_turn_whose_call_waits_for_a_person_ends() -> None:
    other = ToolCalled("b", "two", "{}")
    asked = ToolApprovalRequested("a", "one", "{}", 9)

    assert next_step(after(ROUTED, CALL, asked), Rules()) == WAITS
    assert next_step(after(ROUTED, TextDelta("So."), CALL, asked), Rules()) == WAITS
    assert next_step(after(ROUTED, CALL, other, asked), Rules()) == CallTools((other,))


@pytest.mark.parametrize("resumed", [False, True])
@pytest.mark.parametrize("more", [False, True])
def test_what_was_decided_is_done_once_and_the_model_asked_after_the_last(
    more: bool, resumed: bool
) -> None:
    decision = Decision("a", "one", "{}", True, "t_0", more=more)

    def decided(*events: AnyEvent) -> TurnState:
        request = TurnRequest("s", "native")
        started = TurnStarted("t", "s", "native", request, "msg_t_0", decision)
        return fold(numbered([started, ROUTED, *events]))

    assert next_step(decided(), Rules(), resumed=resumed) == Decide(decision)
    assert next_step(decided(CALL), Rules(), resumed=resumed) == CallTools((CALL,), resumed)
    done = next_step(decided(*ROUND), Rules(), resumed=resumed)
    assert done == (WAITS if more else CallModel())


@pytest.mark.parametrize("resumed", [True, False])
def test_an_agent_at_work_is_closed_off_and_never_carried_on(resumed: bool) -> None:
    def state(*events: AnyEvent) -> TurnState:
        request = TurnRequest("s", "native", agent="clerk")
        first = TurnStarted("t", "s", "native", request)
        return fold(numbered([first, ROUTED, AgentStarted("clerk", "Clerk"), *events]))

    again = CALL, ToolFinished("a", "interrupted", is_error=True)

    def step(*events: AnyEvent) -> object:
        return next_step(state(*events), Rules(can_prefill=True), resumed=resumed)

    assert step() == CallModel()
    assert step(TextDelta("ha")) == Finish(LOST)
    assert step(CALL) == CallTools((CALL,), interrupted=True)
    assert step(*again) == Finish(LOST)
    assert step(whole()) == Finish(TurnCompleted("stop"))
    assert not by_agent(after(ROUTED))


SCENE = Scene("Money", "Where is it")


@pytest.mark.parametrize("move", ["clarify", "hand_over", "out_of_scope"])
@pytest.mark.parametrize("can_read", [True, False])
def test_what_a_scenario_says_by_itself_is_recited(move: Move, can_read: bool) -> None:
    route = replace(ROUTED, scenario=replace(SCENE, move=move))

    assert next_step(after(route), Rules(can_read=can_read)) == Recite()
    half = after(route, TextDelta("Which "), TextDelta("one"))
    assert next_step(half, Rules(can_read=can_read), resumed=True) == Recite("Which one")


def test_a_model_answers_in_a_scenario_if_it_reads() -> None:
    state = after(replace(ROUTED, scenario=SCENE))

    assert next_step(state, Rules()) == CallModel()
    assert next_step(state, Rules(can_read=False)) == Recite()


def test_a_recital_ends_as_every_answer_does() -> None:
    state = after(replace(ROUTED, scenario=replace(SCENE, move="clarify")), whole("Which one?"))

    assert next_step(state, Rules()) == Finish(TurnCompleted("stop"))
