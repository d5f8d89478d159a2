"""Events to frames."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from talkwire.canon.agents import AgentCard
from talkwire.canon.events import (
    AgentCompleted,
    AgentStarted,
    AnyEvent,
    AudioDelta,
    AudioFailed,
    ReasoningDelta,
    RouteChosen,
    Stamped,
    TextDelta,
    TurnAborted,
    TurnFailed,
    TurnStarted,
)
from talkwire.canon.turn import TextPart, TurnRequest
from talkwire.wires.agent_chat.answer import Answer
from talkwire.wires.agent_chat.encode import Encoder, listing
from talkwire.wires.agent_chat.shapes import AgentsShape
from tests.cases.turns import CASES, SESSION, TURN
from tests.wires.frames import Frame, parse

ASKED = TurnRequest(SESSION, "agent-chat", parts=(TextPart("Hello"),), agent="pair")


def stamp(*events: AnyEvent) -> list[Stamped]:
    return [Stamped(n, 1_790_000_000_000 + n, event) for n, event in enumerate(events)]


def frames(case: str) -> list[Frame]:
    return parse(b"".join(Encoder(TURN, SESSION).feed(CASES[case])))


def kinds(case: str) -> list[str]:
    return [frame.kind for frame in frames(case)]


def data(case: str, kind: str) -> list[dict[str, Any]]:
    return [json.loads(frame.text) for frame in frames(case) if frame.kind == kind]


def test_a_delta_is_its_content_and_nothing_else() -> None:
    raw = Encoder(TURN, SESSION).feed(CASES["one_token"])

    assert b"event: message.delta\n" in raw[1]
    assert raw[1].startswith(b"id: %s:1\n" % TURN.encode())
    assert list(data("one_token", "message.delta")[0]) == ["content"]


@pytest.mark.parametrize("case", CASES)
def test_the_last_frame_tells_the_answer(case: str) -> None:
    answer = Answer()
    for stamped in CASES[case]:
        answer.apply(stamped)
    last = frames(case)[-1]

    told = json.loads(last.text)
    assert {name: told[name] for name in answer.body()} == answer.body()
    assert last.kind == ("message.completed" if answer.whole else "message.failed")
    more = {"code", "message", "retryable"} if last.kind == "message.failed" else set()
    assert told.keys() - answer.body().keys() == more


def test_an_abort_is_told_with_what_was_said() -> None:
    (told,) = data("aborted_midway", "message.failed")

    assert (told["code"], told["retryable"], told["content"]) == ("aborted", False, "Half an ans")


def test_tools_are_shown_at_work() -> None:
    (began,), (done,) = data("tool_call", "tool.started"), data("tool_call", "tool.completed")

    assert (began["name"], began["arguments"]["city"]) == ("weather", "Bern")
    assert (done["call_id"], done["name"]) == (began["call_id"], "weather")
    assert data("tool_streams", "tool.output")[0].keys() == {"call_id", "content"}


def test_a_call_that_waits_comes_before_the_end_that_says_so() -> None:
    assert kinds("approval")[-2:] == ["tool.approval_required", "message.completed"]


def test_the_first_frame_is_out_before_a_model_was_asked() -> None:
    (told,) = data("failed_before_route", "message.started")

    assert (told["agent_id"], told["turn_id"]) == ("assistant", TURN)


@pytest.mark.parametrize(
    ("case", "end"),
    [
        ("spoken", "audio.completed"),
        ("speech_failed", "audio.failed"),
        ("speech_aborted", "audio.failed"),
        ("speech_lost", "audio.failed"),
    ],
)
def test_speech_ends_before_the_stream_does(case: str, end: str) -> None:
    assert kinds(case)[-2:] == [end, "message.completed"]


def test_agents_are_listed_with_what_they_have() -> None:
    cards = [
        AgentCard("assistant", "Assistant", model="demo", tools=("clock",)),
        AgentCard("pair", "Pair", kind="team", members=("a", "b")),
        AgentCard("far", "Far", kind="remote", why="It does not answer."),
    ]
    told = json.loads(json.dumps(listing(cards)))

    shape = AgentsShape.model_validate(told, extra="forbid")
    assert shape.model_dump(exclude_unset=True) == told
    assert [sorted(each.keys() - told["agents"][0].keys()) for each in told["agents"]] == [
        [],
        ["members"],
        ["unavailable"],
    ]


def test_members_of_a_team_and_their_thoughts_are_told_apart() -> None:
    events: list[AnyEvent] = [
        AgentStarted("pair", "Pair"),
        AgentStarted("ann", "Ann"),
        ReasoningDelta("Hm."),
        TextDelta("Yes."),
        AgentCompleted("ann", "Ann"),
        AgentCompleted("pair", "Pair"),
    ]
    chosen = RouteChosen("large", "agent", agent_id="pair")
    stamped = stamp(TurnStarted(TURN, SESSION, "agent-chat", ASKED), chosen, *events)

    raw = Encoder(TURN, SESSION).feed(stamped)
    told = [(frame.kind, json.loads(frame.text)) for frame in parse(b"".join(raw))]

    assert told[0][1]["agent_id"] == "pair"
    assert told[1:] == [
        ("agent.started", {"agent_id": "pair", "name": "Pair"}),
        ("agent.started", {"agent_id": "ann", "name": "Ann"}),
        ("reasoning.delta", {"content": "Hm."}),
        ("message.delta", {"content": "Yes."}),
        ("agent.completed", {"agent_id": "ann", "name": "Ann"}),
        ("agent.completed", {"agent_id": "pair", "name": "Pair"}),
    ]


def test_every_event_of_the_wire_is_documented() -> None:
    sent = {frame.kind for case in CASES for frame in frames(case)}
    page = (Path(__file__).parents[3] / "docs" / "wires.md").read_text("utf-8")
    table = page.partition("### Its events")[2].partition("\n### ")[0]

    assert {kind for kind in sent if f"`{kind}`" not in table} == set()


@pytest.mark.parametrize("end", [TurnFailed("upstream_timeout", "Slow."), TurnAborted("client")])
def test_live_speech_of_a_text_that_breaks_off_is_ended_first(end: AnyEvent) -> None:
    asked = TurnRequest(SESSION, "agent-chat", parts=(TextPart("Hello"),), voice="anna")
    begun = TurnStarted(TURN, SESSION, "agent-chat", asked)
    said: list[AnyEvent] = [TextDelta("One. "), AudioDelta("audio/wav", "AAAA"), TextDelta("Tw")]

    raw = Encoder(TURN, SESSION).feed(stamp(begun, *said, end))

    *_, speech, last = parse(b"".join(raw))
    assert (speech.kind, last.kind) == ("audio.failed", "message.failed")
    assert json.loads(speech.text)["voice_id"] == "anna"
    assert json.loads(last.text)["content"] == "One. Tw"


def test_speech_that_failed_by_itself_is_told_once() -> None:
    asked = TurnRequest(SESSION, "agent-chat", parts=(TextPart("Hello"),), voice="anna")
    begun = TurnStarted(TURN, SESSION, "agent-chat", asked)
    failed = AudioFailed("anna", "speech_failed", "No voice.")

    raw = Encoder(TURN, SESSION).feed(stamp(begun, failed, TextDelta("On"), TurnAborted("client")))

    assert [frame.kind for frame in parse(b"".join(raw))] == [
        "message.started",
        "audio.failed",
        "message.delta",
        "message.failed",
    ]
