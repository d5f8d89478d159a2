from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.canon.events import (
    AnyEvent,
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
    TurnAborted,
    TurnAdopted,
    TurnCompleted,
    TurnStarted,
    UsageCounted,
)
from talkwire.canon.fold import TurnState, check, fold
from talkwire.canon.records import Usage
from talkwire.canon.tools import Decision
from talkwire.canon.turn import (
    Call,
    Message,
    TextPart,
    TurnRequest,
    answer_message_id,
    input_message_id,
)
from tests.canon.strategies import numbered, turns

STARTED = TurnStarted("t_1", "s_1", "native", TurnRequest("s_1", "native"), parent_id="m")
ROUTED = RouteChosen("m", "cloud")


def as_dict(state: TurnState) -> dict[str, object]:
    return {name: getattr(state, name) for name in TurnState.__slots__}


def after(*events: AnyEvent) -> TurnState:
    return fold(numbered([STARTED, ROUTED, *events]))


@given(turns(ended=False))
def test_folding_any_prefix_is_applying_one_event_after_the_other(turn: list[Stamped]) -> None:
    state = TurnState()
    for count, stamped in enumerate(turn, 1):
        state.apply(stamped)
        assert as_dict(state) == as_dict(fold(turn[:count]))


@given(turns())
def test_a_turn_always_has_an_answer_and_it_comes_last(turn: list[Stamped]) -> None:
    for count in range(1, len(turn) + 1):
        state = fold(turn[:count])
        messages = state.messages()

        assert messages[-1].id == answer_message_id(state.turn_id)
        assert messages[-1].role == "assistant"
        waits = state.terminal == TurnCompleted("approval_required")
        assert messages[-1].incomplete == (state.message is None and not waits)
        assert len({message.id for message in messages}) == len(messages)


@given(turns())
def test_each_stored_call_is_followed_by_its_result(turn: list[Stamped]) -> None:
    messages = fold(turn).messages()
    called = [call.call_id for message in messages for call in message.calls]
    answered = [message.call_id for message in messages if message.role == "tool"]

    assert sorted(called) == sorted(filter(None, answered))
    for before, message in pairwise(messages):
        assert message.role != "tool" or before.role == "tool" or before.calls


@given(turns())
def test_no_text_is_lost_between_events_and_messages(turn: list[Stamped]) -> None:
    said = "".join(s.event.text for s in turn if isinstance(s.event, TextDelta))
    stored = "".join(m.text for m in fold(turn).messages() if m.role == "assistant")

    assert stored == said


@given(turns())
def test_usage_is_the_sum_of_what_was_counted(turn: list[Stamped]) -> None:
    counted = [s.event for s in turn if isinstance(s.event, UsageCounted)]
    total = fold(turn).total_usage()

    assert total.input_tokens == sum(u.input_tokens for u in counted)
    assert total.output_tokens == sum(u.output_tokens for u in counted)
    assert total.estimated == any(u.estimated for u in counted)
    costs = [u.cost for u in counted if u.cost is not None]
    assert (total.cost is None) == (not costs)
    assert math.isclose(total.cost or 0, sum(costs))


@given(turns())
def test_each_model_has_its_share_of_the_usage(turn: list[Stamped]) -> None:
    state = fold(turn)
    shares, total = state.by_model.values(), state.total_usage()

    assert sum(share.input_tokens for share in shares) == total.input_tokens
    assert sum(share.output_tokens for share in shares) == total.output_tokens
    assert any(share.estimated for share in shares) == total.estimated
    assert set(state.tried) <= set(state.by_model)


def test_usage_belongs_to_the_route_in_force_or_to_the_model_that_it_names() -> None:
    first, second = RouteChosen("a", "cloud"), RouteChosen("b", "cloud")
    decided = UsageCounted(1, 1, model="a")
    told: list[AnyEvent] = [STARTED, decided, first, TextDelta("x"), UsageCounted(2, 2), second]
    told += [UsageCounted(4, 4, estimated=True), UsageCounted(8, 8, cost=0.5)]

    assert fold(numbered(told)).by_model == {
        "a": Usage(3, 3),
        "b": Usage(12, 12, estimated=True, cost=0.5),
    }


def test_a_model_that_was_chosen_and_not_asked_has_used_nothing() -> None:
    assert fold(numbered([STARTED, RouteChosen("a", "cloud")])).by_model == {"a": Usage()}
    assert fold(numbered([STARTED])).by_model == {}


def test_what_was_said_is_uncounted_until_its_usage_is_told() -> None:
    said: list[AnyEvent] = [STARTED, ROUTED, TextDelta("a"), ReasoningDelta("b")]
    counted: list[AnyEvent] = [*said, UsageCounted(1, 2)]
    called: list[AnyEvent] = [*counted, ToolCalled("c", "one", "{}"), ToolFinished("c", "done")]

    assert fold(numbered(said)).uncounted == ["a", "b"]
    assert fold(numbered(counted)).uncounted == []
    assert fold(numbered([*counted, TextDelta("c")])).uncounted == ["c"]
    assert fold(numbered([*called, TextDelta("d")])).uncounted == ["d"]


@given(turns(), st.data())
def test_a_gap_or_a_repeat_is_refused(turn: list[Stamped], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(turn) - 1))
    repeated = [*turn[: at + 1], turn[at], *turn[at + 1 :]]

    with pytest.raises(ValueError, match="event"):
        fold(repeated)
    if at < len(turn) - 1:
        with pytest.raises(ValueError, match="was due"):
            fold([*turn[:at], *turn[at + 1 :]])


@given(turns())
def test_nothing_comes_after_the_terminal_event(turn: list[Stamped]) -> None:
    with pytest.raises(ValueError, match="after the terminal"):
        check(fold(turn), Stamped(len(turn), 0, TextDelta("late")))


def test_a_turn_begins_with_turn_started_and_only_there() -> None:
    with pytest.raises(ValueError, match=r"turn\.started"):
        fold(numbered([ROUTED]))
    with pytest.raises(ValueError, match=r"turn\.started"):
        fold(numbered([STARTED, STARTED]))


def test_a_new_state_knows_nothing_and_says_so() -> None:
    state = TurnState()

    assert (state.count, state.model, state.terminal) == (0, None, None)
    with pytest.raises(ValueError, match=r"turn\.started"):
        _ = state.asked


def test_the_start_tells_what_was_asked_and_when() -> None:
    state = fold([Stamped(0, 77, STARTED)])

    assert (state.turn_id, state.session_id, state.wire) == ("t_1", "s_1", "native")
    assert (state.asked, state.parent_id, state.started_at) == (STARTED.request, "m", 77)


@pytest.mark.parametrize("first", [TextDelta("a"), ReasoningDelta("a")])
def test_the_first_token_has_its_time(first: AnyEvent) -> None:
    state = fold(numbered([STARTED, ROUTED, first, TextDelta("b"), ReasoningDelta("c")], at=100))

    assert state.first_token_at == 102


def test_calls_with_results_become_messages_and_the_answer_begins_anew() -> None:
    state = after(
        TextDelta("let me see"),
        ToolCalled("a", "one", "{}"),
        ToolCalled("b", "two", "[]"),
        ToolFinished("b", "B"),
    )
    assert [call.call_id for call in state.open_calls] == ["a"]
    assert not state.rounds

    state.apply(Stamped(state.count, 0, ToolFinished("a", "A", truncated=True)))

    calls = (Call("a", "one", "{}"), Call("b", "two", "[]"))
    assert state.rounds == [
        Message("msg_t_1_0", "assistant", (TextPart("let me see"),), calls, model="m"),
        Message("msg_t_1_1", "tool", (TextPart("B"),), call_id="b"),
        Message("msg_t_1_2", "tool", (TextPart("A"),), call_id="a", incomplete=True),
    ]
    assert (state.texts, state.open_calls, state.text) == ([], (), "")


def test_the_whole_message_takes_the_place_of_its_pieces() -> None:
    whole = Message("msg_t_1", "assistant", (TextPart("whole"),))
    state = after(TextDelta("who"), MessageCompleted(whole))

    assert (state.text, state.messages(), state.texts) == ("whole", (whole,), [])


def test_a_cut_answer_is_kept_and_marked() -> None:
    state = after(TextDelta("ha"), TextDelta("lf"))

    assert state.messages() == (
        Message("msg_t_1", "assistant", (TextPart("half"),), model="m", incomplete=True),
    )
    assert state.text == "half"


@pytest.mark.parametrize(
    ("events", "audio"),
    [
        ([], "none"),
        ([AudioDelta("m", "")], "partial"),
        ([AudioDelta("m", ""), AudioCompleted("v")], "completed"),
        ([AudioFailed("v", "c", "m")], "failed"),
    ],
)
def test_speech_is_followed(events: list[AnyEvent], audio: str) -> None:
    assert after(*events).audio == audio


def test_nothing_is_visible_before_the_model_has_said_something() -> None:
    assert not after(TurnAdopted("n", 2)).visible
    assert after(ReasoningDelta("hm")).visible
    assert after(ToolCalled("a", "one", "{}")).visible


def test_adoptions_are_counted_and_the_end_is_known() -> None:
    state = after(TurnAdopted("n", 2), TurnAdopted("n", 3), TurnCompleted("stop"))

    assert (state.adoptions, state.terminal) == (2, TurnCompleted("stop"))
    assert state.total_usage() == Usage()


def test_message_ids_follow_from_the_turn() -> None:
    assert input_message_id("t_1") == "msg_t_1_in"
    assert answer_message_id("t_1") == "msg_t_1"


CALLS = (ToolCalled("c1", "clock", "{}"), ToolCalled("c2", "act", '{"n":1}'))
ASK = ToolApprovalRequested("c2", "act", '{"n":1}', 99)


def folded(*events: AnyEvent, decision: Decision | None = None) -> TurnState:
    request = TurnRequest("s_1", "native")
    first = TurnStarted("t_1", "s_1", "native", request, "m_0", decision)
    return fold(numbered([first, *events]))


def test_a_turn_that_waits_for_a_person_stores_its_calls_and_what_was_answered() -> None:
    state = folded(TextDelta("So."), *CALLS, ToolFinished("c1", "noon"), ASK)
    assert state.open_calls == ()
    assert list(state.waiting) == ["c2"]

    state.apply(Stamped(state.count, 0, TurnCompleted("approval_required")))
    calls, result, answer = state.messages()

    assert (calls.text, [call.call_id for call in calls.calls]) == ("So.", ["c1", "c2"])
    assert calls.finish_reason == "approval_required"
    assert (result.call_id, result.text) == ("c1", "noon")
    assert (answer.parts, answer.finish_reason, answer.incomplete) == (
        (),
        "approval_required",
        False,
    )


def test_a_decision_carries_the_result_alone_to_the_call_that_is_stored() -> None:
    decision = Decision("c2", "act", '{"n":1}', True, "t_0")
    state = folded(
        CALLS[1],
        ToolFinished("c2", "done"),
        ToolCalled("c3", "clock", "{}"),
        ToolFinished("c3", "noon"),
        decision=decision,
    )

    assert [(m.role, m.call_id) for m in state.rounds] == [
        ("tool", "c2"),
        ("assistant", None),
        ("tool", "c3"),
    ]
    assert len({message.id for message in state.messages()}) == 4


def test_an_approved_call_that_was_stopped_has_a_result_all_the_same() -> None:
    decision = Decision("c2", "act", '{"n":1}', True, "t_0")
    state = folded(CALLS[1], TurnAborted("client"), decision=decision)

    result, answer = state.messages()
    assert (result.role, result.call_id) == ("tool", "c2")
    assert "interrupted" in result.text
    assert answer.incomplete
