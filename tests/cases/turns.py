"""Canonical turns as data: every wire is tried on each of them. Fixed ids, fixed times."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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
from talkwire.canon.scenarios import Move, Scene
from talkwire.canon.turn import FinishReason, Message, TextPart, TurnRequest, VoiceMode

TURN = "t_01m7xkg5q8zv3h9w4t6y2b0c1d"
SESSION = "s_01m7xkg5q8zv3h9w4t6y2b0c1e"
STARTED_AT = 1_790_000_000_123

ODD = (
    "Grüße, 你好, こんにちは, 👩‍👩‍👧‍👦 e\u0301 "
    "line\u2028sep\u2029par\u0085nel\x0b\x0c\x1c\x1d\x1e\x00\x7f"
    ' "quoted" back\\slash </script>\r\n\n\ndata: x\n\nid: 7\nevent: y\n: comment\ttab \ufeff\uffff'
)


def start(voice: str | None = None, mode: VoiceMode | None = None) -> list[AnyEvent]:
    """The two events that every turn begins with."""
    request = TurnRequest(
        session_id=SESSION,
        wire="responses-sse",
        parts=(TextPart("Hello"),),
        voice=voice,
        voice_mode=mode,
    )
    return [
        TurnStarted(turn_id=TURN, session_id=SESSION, wire="responses-sse", request=request),
        RouteChosen(model="demo", model_type="scripted", reasons=("the default model",)),
    ]


def said(pieces: Sequence[str]) -> list[AnyEvent]:
    """The pieces of an answer."""
    return [TextDelta(piece) for piece in pieces]


def message(text: str, finish_reason: FinishReason = "stop") -> MessageCompleted:
    """The whole answer."""
    parts = (TextPart(text),) if text else ()
    return MessageCompleted(
        Message(f"msg_{TURN}", "assistant", parts, model="demo", finish_reason=finish_reason)
    )


def finish(text: str, finish_reason: FinishReason = "stop") -> list[AnyEvent]:
    """Usage, message and end of a turn that went well."""
    return [
        UsageCounted(input_tokens=12, output_tokens=34),
        message(text, finish_reason),
        TurnCompleted(finish_reason),
    ]


def answer(*pieces: str) -> list[AnyEvent]:
    """A turn that just answers."""
    return [*start(), *said(pieces), *finish("".join(pieces))]


def _spoken(*ends: AnyEvent) -> list[AnyEvent]:
    voice = [AudioDelta("audio/mpeg", "SUQz"), AudioDelta("audio/mpeg", "BAAA")]
    usage = UsageCounted(input_tokens=3, output_tokens=2, estimated=True)
    return [
        *start("anna"),
        *said(["Hi", "!"]),
        usage,
        message("Hi!"),
        *voice[: 2 if isinstance(ends[0], AudioCompleted) else 1],
        *ends,
    ]


def _spoken_live(*rest: AnyEvent) -> list[AnyEvent]:
    """The first sentence is spoken while the second one is written."""
    return [
        *start("anna", "live"),
        *said(["Hi! "]),
        AudioDelta("audio/mpeg", "SUQz"),
        *said(["How are"]),
        AudioDelta("audio/mpeg", "BAAA"),
        *rest,
    ]


def _call(n: int) -> ToolCalled:
    return ToolCalled(f"call_{n}", "weather", f'{{"city":"Bern","day":{n}}}')


def _tools(*calls: int) -> list[AnyEvent]:
    return [
        *start(),
        *said(["Let me ", "look."]),
        *[_call(n) for n in calls],
        UsageCounted(input_tokens=10, output_tokens=5),
        *[ToolFinished(f"call_{n}", '{"sky":"blue"}') for n in calls],
        *said(["Blue", " sky."]),
        *finish("Blue sky."),
    ]


def _by_agent(agent: str, *rest: AnyEvent) -> list[AnyEvent]:
    """A turn that an agent answers."""
    request = TurnRequest(
        session_id=SESSION, wire="agent-chat", parts=(TextPart("Hello"),), agent=agent
    )
    reasons = (f"the agent {agent} is asked for by the request",)
    return [
        TurnStarted(turn_id=TURN, session_id=SESSION, wire="agent-chat", request=request),
        RouteChosen("demo", "scripted", agent_id=agent, reasons=reasons),
        *rest,
    ]


def _team(*ends: AnyEvent) -> list[AnyEvent]:
    """A team whose member has run a tool, and has told the team what it found."""
    return _by_agent(
        "desk",
        AgentStarted("desk", "Help desk"),
        UsageCounted(input_tokens=9, output_tokens=3),
        AgentStarted("clerk", "文员 Clerk"),
        _call(1),
        ToolFinished("call_1", '{"sky":"blue"}'),
        ReasoningDelta("It is blue there."),
        UsageCounted(input_tokens=10, output_tokens=5, model="other"),
        AgentCompleted("clerk", "文员 Clerk"),
        *said(["Blue", " sky."]),
        *ends,
    )


SCENES: dict[Move, Scene] = {
    "answer": Scene(
        category="提现 Withdrawals",
        subcategory='1 提现状态查询 "Flow"\u2028',
        confidence=0.95,
        related=("2 提现被拒 Flow", "3 提现手续费 Flow"),
        sop_references=("withdrawals.md", "状态.md"),
        slots={"order": "7"},
        reasons=("the model picked it",),
    ),
    "clarify": Scene(move="clarify", confidence=0.41, language="en", related=("a", "b")),
    "hand_over": Scene("Account", "Locked", "hand_over", confidence=0.9, language="en"),
    "out_of_scope": Scene(move="out_of_scope", confidence=1.0, language="en"),
}


def _scene(move: Move, *rest: AnyEvent) -> list[AnyEvent]:
    """A turn of a help desk: what deciding used comes before the route."""
    request = TurnRequest(
        session_id=SESSION,
        wire="support",
        parts=(TextPart("Where is my money?"),),
        scenario="",
        prompt="support",
        facts='{"order":7}',
    )
    return [
        TurnStarted(turn_id=TURN, session_id=SESSION, wire="support", request=request),
        UsageCounted(input_tokens=50, output_tokens=9),
        RouteChosen("demo", "scripted", scenario=SCENES[move], reasons=SCENES[move].reasons),
        *rest,
    ]


def _recited(move: Move, *pieces: str) -> list[AnyEvent]:
    """What is said without a model."""
    text = "".join(pieces)
    answer = Message(
        f"msg_{TURN}",
        "assistant",
        (TextPart(text),),
        model="demo",
        finish_reason="stop",
        scene=SCENES[move],
    )
    return _scene(move, *said(pieces), MessageCompleted(answer), TurnCompleted("stop"))


def _routed(*rest: AnyEvent) -> list[AnyEvent]:
    """A turn that leaves the model open; the local one is tried first."""
    request = TurnRequest(
        session_id=SESSION, wire="routed-chat", parts=(TextPart("Hello"),), model_type="auto"
    )
    return [
        TurnStarted(turn_id=TURN, session_id=SESSION, wire="routed-chat", request=request),
        RouteChosen("small", "local_small", reasons=("is small talk: +0.97",)),
        *rest,
    ]


_OTHER = RouteChosen("large", "cloud_large", reasons=("small failed: upstream_unavailable",))
_LOST = TurnFailed("worker_lost", "The server that was answering is gone.", retryable=True)
_UPSTREAM = TurnFailed("upstream_timeout", "The model took too long.", retryable=True)

BUILDERS: dict[str, Callable[[], list[AnyEvent]]] = {
    "plain": lambda: answer("Hello", ", ", "world", "."),
    "one_token": lambda: answer("42"),
    "empty": lambda: answer(),
    "odd_characters": lambda: answer(ODD, *ODD),
    "long": lambda: answer(*(f"word{n} " for n in range(1995))),
    "reasoning": lambda: [
        *start(),
        ReasoningDelta("Let me think"),
        ReasoningDelta("…"),
        *said(["Yes", "."]),
        *finish("Yes."),
    ],
    "retried": lambda: [
        *start(),
        AttemptFailed(1, 3, 500, "upstream_unavailable"),
        AttemptFailed(2, 3, 1000, "upstream_rate_limited"),
        *said(["At ", "last."]),
        *finish("At last."),
    ],
    "tool_call": lambda: _tools(1),
    "parallel_calls": lambda: _tools(1, 2),
    "failed_before_text": lambda: [*start(), _UPSTREAM],
    "failed_before_route": lambda: [start()[0], TurnFailed("unavailable", "No model answers.")],
    "failed_midway": lambda: [*start(), *said(["Half an ", "ans"]), _UPSTREAM],
    "aborted_midway": lambda: [*start(), *said(["Half an ", "ans"]), TurnAborted("client")],
    "aborted_before_text": lambda: [*start(), TurnAborted("disconnect")],
    "adopted_then_lost": lambda: [*start(), *said(["Half"]), TurnAdopted("node-b", 2), _LOST],
    "adopted_and_continued": lambda: [
        *start(),
        *said(["Half"]),
        TurnAdopted("node-b", 2),
        *said([" and half"]),
        *finish("Half and half"),
    ],
    "adopted_and_begun_again": lambda: [
        *start(),
        TurnAdopted("node-b", 2),
        start()[1],
        *said(["Anew"]),
        *finish("Anew"),
    ],
    "spoken": lambda: _spoken(AudioCompleted("anna"), TurnCompleted("stop")),
    "speech_failed": lambda: _spoken(
        AudioFailed("anna", "speech_failed", "The voice service failed."), TurnCompleted("stop")
    ),
    "speech_aborted": lambda: _spoken(TurnAborted("client")),
    "speech_lost": lambda: _spoken(TurnAdopted("node-b", 2), _LOST),
    "spoken_live": lambda: _spoken_live(
        *said([" you?"]),
        *finish("Hi! How are you?")[:-1],
        AudioDelta("audio/mpeg", "AAEC"),
        AudioCompleted("anna", 1_250),
        TurnCompleted("stop"),
    ),
    "speech_failed_live": lambda: _spoken_live(
        AudioFailed("anna", "speech_failed", "The voice service failed."),
        *said([" you?"]),
        *finish("Hi! How are you?"),
    ),
    "speech_aborted_live": lambda: _spoken_live(TurnAborted("client")),
    "speech_cut_live": lambda: _spoken_live(
        _call(1),
        UsageCounted(input_tokens=10, output_tokens=5),
        AudioFailed("anna", "speech_cut", "The turn waits for a decision."),
        ToolApprovalRequested("call_1", "weather", '{"city":"Bern","day":1}', 1_790_000_600_000),
        TurnCompleted("approval_required"),
    ),
    "tool_streams": lambda: [
        *start(),
        *[_call(n) for n in (1, 2)],
        UsageCounted(input_tokens=10, output_tokens=5),
        ToolOutput("call_2", "half "),
        ToolOutput("call_1", ODD),
        ToolFinished("call_1", ODD, is_error=True),
        ToolFinished("call_2", "short", summarized=True),
        ToolCalled("call_3", "weather", "[1]"),
        ToolCalled("call_4", "weather", '{"city": "Bern",\n "day": NaN}'),
        ToolFinished("call_3", "The arguments are no JSON object.", is_error=True),
        ToolFinished("call_4", "cut", truncated=True),
        *said(["Half"]),
        *finish("Half"),
    ],
    "aborted_in_a_tool": lambda: [
        *start(),
        *said(["Let me look."]),
        _call(1),
        UsageCounted(input_tokens=10, output_tokens=5),
        ToolOutput("call_1", "…"),
        TurnAborted("client"),
    ],
    "tool_limit": lambda: [
        *start(),
        _call(1),
        UsageCounted(input_tokens=10, output_tokens=5),
        ToolFinished("call_1", "nothing"),
        *said(["I stop here."]),
        message("I stop here.", "tool_limit"),
        TurnCompleted("tool_limit"),
    ],
    "approval": lambda: [
        *start(),
        *said(["May I?"]),
        _call(1),
        UsageCounted(input_tokens=10, output_tokens=5),
        ToolApprovalRequested("call_1", "weather", '{"city":"Bern","day":1}', 1_790_000_600_000),
        TurnCompleted("approval_required"),
    ],
    "scene_answer": lambda: _scene(
        "answer", *said(["Your money ", "is on\nits way."]), *finish("Your money is on\nits way.")
    ),
    "scene_clarify": lambda: _recited("clarify", "Which one do you mean?\n", "- a\n", "- b"),
    "scene_hand_over": lambda: _recited("hand_over", "A colleague takes over."),
    "scene_out_of_scope": lambda: _recited("out_of_scope", "That is no matter for this desk."),
    "scene_failed": lambda: _scene("answer", *said(["Your money "]), _UPSTREAM),
    "scene_undecided": lambda: [_scene("answer")[0], _UPSTREAM],
    "scene_aborted": lambda: _scene("answer", *said(["Your money "]), TurnAborted("client")),
    "fell_over_before_text": lambda: _routed(
        AttemptFailed(1, 2, 500, "upstream_unavailable"),
        _OTHER,
        *said(["Hello", "."]),
        *finish("Hello."),
    ),
    "fell_over_midway": lambda: _routed(
        *said(["Half", " and "]),
        UsageCounted(input_tokens=9, output_tokens=2, estimated=True),
        _OTHER,
        *said(["half", "."]),
        UsageCounted(input_tokens=12, output_tokens=2, cost=0.000125),
        message("Half and half."),
        TurnCompleted("stop"),
    ),
    "fell_over_and_failed": lambda: _routed(_OTHER, _UPSTREAM),
    "agent_with_team": lambda: _team(
        UsageCounted(input_tokens=12, output_tokens=34),
        AgentCompleted("desk", "Help desk"),
        message("Blue sky."),
        TurnCompleted("stop"),
    ),
    "agent_lost": lambda: _by_agent(
        "clerk",
        AgentStarted("clerk", "Clerk"),
        *said(["Half"]),
        _call(1),
        TurnAdopted("node-b", 2),
        ToolFinished("call_1", "interrupted", is_error=True),
        _LOST,
    ),
    "cut_by_length": lambda: [*start(), *said(["Too lo"]), *finish("Too lo", "length")],
}


def stamp(events: Sequence[AnyEvent]) -> list[Stamped]:
    """Numbered from 0, 20 ms apart."""
    return [Stamped(n, STARTED_AT + 20 * n, event) for n, event in enumerate(events)]


CASES: dict[str, list[Stamped]] = {name: stamp(build()) for name, build in BUILDERS.items()}
