"""Hypothesis strategies for values of `canon`; `turns()` makes whole, grammatical turns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from talkwire.canon.events import (
    AgentCompleted,
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
    ToolOutput,
    TurnAborted,
    TurnAdopted,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
    UsageCounted,
)
from talkwire.canon.scenarios import Scene
from talkwire.canon.tools import Decision
from talkwire.canon.turn import Message, TextPart, TurnRequest, answer_message_id

FINISHES = ("stop", "length", "content_filter", "tool_limit", "approval_required")

# Everything that UTF-8 can carry: no lone surrogates, but every line end, NUL and emoji.
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
some_words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
names = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=8)
tokens = st.integers(0, 10**6)
scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words

requests = st.builds(
    TurnRequest,
    session_id=names.map(lambda name: "s_" + name),
    wire=st.sampled_from(["native", "responses-sse"]),
    parts=st.lists(st.builds(TextPart, words), max_size=2).map(tuple),
    model=st.none() | names,
    prompt_variables=st.dictionaries(names, scalars, max_size=2),
    voice=st.none() | names,
    temperature=st.none() | st.floats(0, 2),
    on_busy=st.none() | st.sampled_from(["queue", "reject", "interrupt"]),
)
scenes = st.builds(
    Scene,
    category=words,
    subcategory=words,
    move=st.sampled_from(["answer", "clarify", "hand_over", "out_of_scope"]),
    confidence=st.floats(0, 1),
    said=st.lists(names, max_size=2).map(tuple),
    step=names,
    slots=st.dictionaries(names, words, max_size=2),
    choices=st.lists(st.tuples(words, words), max_size=2).map(tuple),
)
routes = st.builds(
    RouteChosen,
    model=names,
    model_type=names,
    reasons=st.lists(words, max_size=2).map(tuple),
    scenario=st.none() | scenes,
)
usages = st.builds(
    UsageCounted,
    input_tokens=tokens,
    output_tokens=tokens,
    estimated=st.booleans(),
    cost=st.none() | st.floats(0, 10),
)
attempts = st.builds(
    AttemptFailed,
    attempt=st.integers(1, 3),
    max_attempts=st.just(3),
    delay_ms=tokens,
    reason=words,
)
pieces = st.builds(TextDelta, some_words) | st.builds(ReasoningDelta, some_words)
terminals = (
    st.builds(TurnCompleted, finish_reason=st.sampled_from(FINISHES))
    | st.builds(TurnFailed, code=names, message=words, retryable=st.booleans())
    | st.builds(TurnAborted, by=st.sampled_from(["client", "disconnect", "interrupt"]))
)
speech: st.SearchStrategy[Sequence[AnyEvent]] = st.lists(
    st.builds(AudioDelta, mime=st.just("audio/mpeg"), data=st.just("AAAA")), max_size=3
).flatmap(
    lambda sent: st.one_of(
        st.builds(AudioCompleted, voice_id=names),
        st.builds(AudioFailed, voice_id=names, code=names, message=words),
    ).map(lambda end: [*sent, end])
)

decisions = st.builds(
    Decision,
    call_id=names,
    name=names,
    arguments=words,
    approved=st.booleans(),
    asked_in=names,
    reason=st.none() | words,
    more=st.booleans(),
)

# One of every kind, in no order: for round trips, not for folding.
any_events: st.SearchStrategy[AnyEvent] = st.one_of(
    st.builds(
        TurnStarted,
        turn_id=names,
        session_id=names,
        wire=names,
        request=requests,
        decision=st.none() | decisions,
    ),
    routes,
    attempts,
    pieces,
    st.builds(AgentStarted, agent_id=names, name=words),
    st.builds(AgentCompleted, agent_id=names, name=words),
    st.builds(ToolCalled, call_id=names, name=names, arguments=words),
    st.builds(ToolApprovalRequested, call_id=names, name=names, arguments=words, expires_at=tokens),
    st.builds(ToolOutput, call_id=names, text=words),
    st.builds(ToolFinished, call_id=names, result=words, is_error=st.booleans()),
    usages,
    st.builds(TurnAdopted, node=names, epoch=st.integers(0, 9)),
    st.builds(MessageCompleted, st.builds(Message, id=names, role=st.just("assistant"))),
    st.builds(AudioDelta, mime=names, data=names),
    st.builds(AudioCompleted, voice_id=names),
    st.builds(AudioFailed, voice_id=names, code=names, message=words),
    terminals,
)


def numbered(events: Sequence[AnyEvent], at: int = 1_700_000_000_000) -> list[Stamped]:
    """The events as a turn of their own, a millisecond apart."""
    return [Stamped(n, at + n, event) for n, event in enumerate(events)]


@st.composite
def _rounds(draw: st.DrawFn) -> list[AnyEvent]:
    """A model's call that ends in tool calls, and their results in any order."""
    events: list[AnyEvent] = list(draw(st.lists(pieces, max_size=3)))
    ids = draw(st.lists(names, min_size=1, max_size=3, unique=True))
    calls = [ToolCalled(call_id, draw(names), "{}") for call_id in ids]
    events += [draw(usages), *calls]
    for call_id in draw(st.permutations(ids)):
        events += [ToolOutput(call_id, "…")] if draw(st.booleans()) else []
        events.append(ToolFinished(call_id, draw(words), is_error=draw(st.booleans())))
    return events


@st.composite
def turns(draw: st.DrawFn, *, ended: bool = True) -> list[Stamped]:
    """A grammatical turn: started, routed, rounds of tools, an answer or none, a terminal."""
    turn_id = "t_" + draw(names)
    request = draw(requests)
    events: list[AnyEvent] = [TurnStarted(turn_id, request.session_id, request.wire, request)]
    events += draw(st.just([]) | st.builds(lambda route: [route], routes))
    if len(events) > 1:
        events += draw(st.lists(attempts, max_size=2))
        for _ in range(draw(st.integers(0, 2))):
            events += draw(_rounds())
        answer = draw(st.lists(pieces, max_size=5))
        events += answer
        if draw(st.booleans()):
            events += _completed(draw(usages), answer, turn_id)
            events += draw(st.just([]) | speech)
    if draw(st.booleans()):
        events.insert(draw(st.integers(1, len(events))), TurnAdopted("n", 2))
    if ended:
        events.append(draw(terminals))
    return numbered(events)


def _completed(usage: AnyEvent, answer: Sequence[Any], turn_id: str) -> list[AnyEvent]:
    text = "".join(piece.text for piece in answer if isinstance(piece, TextDelta))
    parts = (TextPart(text),) if text else ()
    return [usage, MessageCompleted(Message(answer_message_id(turn_id), "assistant", parts))]
