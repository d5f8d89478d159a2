"""Answers that are spoken while they are written."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talkwire.canon.deltas import Finish, Hear, Text
from talkwire.canon.errors import SpeechError
from talkwire.canon.events import (
    AgentCompleted,
    AgentStarted,
    AnyEvent,
    AudioCompleted,
    AudioDelta,
    AudioFailed,
    MessageCompleted,
    RouteChosen,
    Stamped,
    TextDelta,
    TurnAborted,
    TurnAdopted,
    TurnCompleted,
    TurnStarted,
)
from talkwire.canon.turn import ModelRequest
from talkwire.engine.live import LiveTurn
from talkwire.engine.runner import Limits
from talkwire.engine.speaking import Speaker
from tests.engine.fakes import (
    LIMIT_S,
    OWNER,
    Act,
    FakeSpeech,
    ScriptedModel,
    World,
    asking,
    says,
    steps,
    until,
)
from tests.engine.household import SELL, calls, household, told
from tests.engine.storage import FakeJournal, FakeRecords


class Stage:
    """One turn that asked for a voice."""

    def __init__(self) -> None:
        records = FakeRecords()
        first = Stamped(0, 1, TurnStarted("t", "s_1", "native", asking(voice="v"), "msg_t_in"))
        records.events["t"] = [first]
        journal = FakeJournal(records)
        self.live = LiveTurn([first], OWNER, journal=journal, observer=lambda s, e: None)


def live_world(*acts: Act, speech: FakeSpeech, **more: object) -> World:
    """A world that speaks while the model says this."""
    return World(ScriptedModel(acts), speech=speech, voice_mode="live", **more)  # type: ignore[arg-type]  # the rest is the caller's


def audio(events: Sequence[AnyEvent]) -> list[str]:
    """What there is of audio, in words."""
    kinds = (AudioDelta, AudioCompleted, AudioFailed)
    return [type(event).__name__ for event in events if isinstance(event, kinds)]


def kinds(events: Sequence[AnyEvent]) -> list[str]:
    return [type(event).__name__ for event in events]


async def test_the_first_sentence_is_spoken_before_the_last_is_written() -> None:
    heard = asyncio.Event()
    speech = FakeSpeech(b"abc", whole=False)
    world = live_world([Text("One. T")], heard, [Text("wo.")], [Finish("stop")], speech=speech)
    turn_id = await world.ask(voice="v")
    await until(lambda: world.live(turn_id).state.audio == "partial")
    heard.set()
    events = await told(world, turn_id)

    assert kinds(events)[2:5] == ["TextDelta", "AudioDelta", "TextDelta"]
    assert kinds(events)[-4:] == [
        "MessageCompleted",
        "AudioDelta",
        "AudioCompleted",
        "TurnCompleted",
    ]
    assert events[-2] == AudioCompleted("v", 200)
    assert speech.spoken == ["One.", "Two."]
    assert speech.closed == 1


async def test_a_voice_that_stalls_holds_no_text_back() -> None:
    go_on = asyncio.Event()
    speech = FakeSpeech(b"abc", go_on, b"def", whole=False)
    words = [[Text(f"Word {n}. ")] for n in range(50)]
    world = live_world(*words, [Finish("stop")], speech=speech)
    turn_id = await world.ask(voice="v")
    live = world.live(turn_id)
    await until(lambda: live.state.message is not None)
    assert live.state.terminal is None
    go_on.set()

    events = await told(world, turn_id)
    assert events[-2] == AudioCompleted("v", 50 * 200)
    assert len(speech.spoken) == 50


async def test_a_voice_that_fails_in_the_middle_is_told_once_and_the_text_goes_on() -> None:
    speech = FakeSpeech(b"abc", SpeechError("away"), whole=False)
    failed = asyncio.Event()
    world = live_world([Text("One. T")], failed, *says("wo. ", "Three."), speech=speech)
    turn_id = await world.ask(voice="v")
    await until(lambda: world.live(turn_id).state.audio == "failed")
    failed.set()
    events = await told(world, turn_id)

    assert audio(events) == ["AudioDelta", "AudioFailed"]
    assert kinds(events)[-2:] == ["MessageCompleted", "TurnCompleted"]
    assert speech.spoken == ["One."]


@pytest.mark.parametrize(
    ("asked", "server", "live"),
    [
        ("live", "after", True),
        ("after", "live", False),
        (None, "live", True),
        (None, "after", False),
    ],
)
async def test_a_request_may_say_when_it_is_spoken(
    asked: str | None, server: str, live: bool
) -> None:
    speech = FakeSpeech(b"abc", whole=True)
    model = ScriptedModel(says("One. ", "Two."))
    world = World(model, speech=speech, voice_mode=server)  # type: ignore[arg-type]  # it is one
    await told(world, await world.ask(voice="v", voice_mode=asked))

    assert speech.spoken == (["One.", "Two."] if live else ["One. Two."])


async def test_without_a_voice_nothing_is_spoken() -> None:
    speech = FakeSpeech(b"abc")
    world = live_world(*says("One. ", "Two."), speech=speech)

    assert audio(await told(world, await world.ask())) == []
    assert speech.closed == 0


async def test_a_voice_that_takes_sentences_gets_them_of_a_whole_answer_too() -> None:
    speech = FakeSpeech(b"abc", whole=False)
    world = World(ScriptedModel(says("**One.** Two.")), speech=speech)
    await told(world, await world.ask(voice="v"))

    assert speech.spoken == ["One.", "Two."]


@pytest.mark.parametrize("mode", ["after", "live"])
async def test_an_answer_in_which_nothing_can_be_said_asks_for_nothing(mode: str) -> None:
    speech = FakeSpeech(b"abc", whole=False)
    world = World(ScriptedModel(says("```\n1 + 1\n```")), speech=speech)
    events = await told(world, await world.ask(voice="v", voice_mode=mode))

    assert events[-2] == AudioCompleted("v")
    assert speech.closed == 0


async def test_what_is_said_before_a_tool_is_called_is_spoken_meanwhile() -> None:
    speech = FakeSpeech(b"abc", whole=False)
    answers = (calls(("look", "{}"), text="Let me look"), says("It is. ", "Blue"))
    world, _ = household(*answers, speech=speech, voice_mode="live")
    events = await told(world, await world.ask(voice="v"))

    assert speech.spoken == ["Let me look", "It is.", "Blue"]
    assert audio(events) == ["AudioDelta"] * 3 + ["AudioCompleted"]


async def test_who_speaks_next_begins_a_sentence() -> None:
    stage, speech = Stage(), FakeSpeech(b"abc", whole=False)
    speaking = Speaker(speech, mode="live").begin(stage.live, "")
    assert speaking is not None
    said: list[AnyEvent] = [
        TextDelta("Ask him"),
        AgentStarted("a", "Al"),
        TextDelta("It is"),
        AgentCompleted("a", "Al"),
    ]
    speaking.hear(said)
    stage.live.append(said)
    await speaking.finish("Ask himIt is")

    assert speech.spoken == ["Ask him", "It is"]


async def test_what_is_said_in_the_models_place_is_spoken_after_what_the_voice_has_begun() -> None:
    go_on = asyncio.Event()
    speech = FakeSpeech(go_on, b"abc", whole=True)
    answers = (calls(("look", "{}"), text="Let me look"),)
    limits = Limits(max_tool_rounds=1)
    world, _ = household(*answers, speech=speech, voice_mode="live", limits=limits)
    turn_id = await world.ask(voice="v")
    await until(lambda: world.live(turn_id).state.message is not None)
    go_on.set()
    events = await told(world, turn_id)

    assert speech.spoken[0] == "Let me look"
    assert speech.spoken[1].startswith("I have called tools 1 times")
    assert isinstance(events[-2], AudioCompleted)


async def test_a_turn_that_waits_for_a_person_is_spoken_no_further() -> None:
    speech = FakeSpeech(b"abc", asyncio.Event(), whole=False)
    answers = (calls(SELL, text="May I sell it? I"),)
    world, _ = household(*answers, speech=speech, voice_mode="live")
    events = await told(world, await world.ask(voice="v"))

    assert audio(events)[-1:] == ["AudioFailed"]
    assert kinds(events)[-3:] == ["AudioFailed", "ToolApprovalRequested", "TurnCompleted"]
    assert speech.closed == 1


async def test_an_abort_stops_the_voice_and_nothing_is_told_after_it() -> None:
    speech = FakeSpeech(b"abc", asyncio.Event(), whole=False)
    world = live_world([Text("One. T")], asyncio.Event(), speech=speech)
    turn_id = await world.ask(voice="v")
    await until(lambda: world.live(turn_id).state.audio == "partial")
    async with asyncio.timeout(LIMIT_S):
        await world.turns.abort(OWNER, turn_id)

    assert speech.closed == 1
    log = [stamped.event for stamped in world.records.outcomes[turn_id].log]
    assert log[-1] == TurnAborted("client")
    assert audio(log) == ["AudioDelta"]


async def test_a_turn_that_fails_stops_the_voice() -> None:
    speech = FakeSpeech(b"abc", asyncio.Event(), whole=False)
    failing = asyncio.Event()
    world = live_world([Text("One. T")], failing, RuntimeError("bug"), speech=speech)
    turn_id = await world.ask(voice="v")
    await until(lambda: world.live(turn_id).state.audio == "partial")
    failing.set()
    events = await told(world, turn_id)

    assert kinds(events)[-1] == "TurnFailed"
    assert (speech.closed, audio(events)) == (1, ["AudioDelta"])


@pytest.mark.parametrize(("acts", "spoken"), [((b"abc",), True), ((SpeechError("away"),), False)])
async def test_it_is_stored_whether_there_is_audio_and_such_turns_are_let_go(
    acts: tuple[bytes | BaseException, ...], spoken: bool
) -> None:
    world = World(speech=FakeSpeech(*acts))
    turn_id, other = await world.ask(voice="v"), await world.ask(session="s_2")
    for each in (turn_id, other):
        await told(world, each)
    await until(lambda: world.turns.running == 0)

    assert world.records.outcomes[turn_id].spoken == spoken
    world.turns.let_go(None)
    world.turns.let_go(3_600)
    assert world.turns._board.find(turn_id) is not None
    world.turns.let_go(-1)
    assert world.turns._board.find(turn_id) is None
    assert world.turns._board.find(other) is not None


class Fitful(ScriptedModel):
    """Says its words, or stops to let others work for a while."""

    def __init__(self, acts: Sequence[str | int]) -> None:
        super().__init__(says())
        self.acts = acts

    async def answer(self, request: ModelRequest, hear: Hear) -> None:
        for act in self.acts:
            if isinstance(act, int):
                await steps(act)
            elif (wait := hear([Text(act)])) is not None:
                await wait
        hear([Finish("stop")])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["One. ", "你好。", "two", "\n", "Three! ", 1, 3, 7]), max_size=12),
    st.lists(st.sampled_from([b"abc", b"d", SpeechError("away")]), min_size=1, max_size=4),
    st.booleans(),
    st.one_of(st.none(), st.integers(0, 40)),
)
async def test_however_text_voice_and_abort_meet_there_is_one_end_of_each(
    acts: list[str | int],
    sounds: list[bytes | BaseException],
    whole: bool,
    abort_after: int | None,
) -> None:
    speech = FakeSpeech(*sounds, whole=whole)
    world = World(Fitful(acts), speech=speech, voice_mode="live")
    turn_id = await world.ask(voice="v")
    if abort_after is not None:
        await steps(abort_after)
        await world.turns.abort(OWNER, turn_id)
    events = await told(world, turn_id)

    ends = [n for n, e in enumerate(events) if isinstance(e, AudioCompleted | AudioFailed)]
    sound = [n for n, e in enumerate(events) if isinstance(e, AudioDelta)]
    answered = [n for n, e in enumerate(events) if isinstance(e, MessageCompleted)]
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    said = "".join(act for act in acts if isinstance(act, str))
    assert len(ends) <= 1
    assert all(n < end for n in sound for end in ends)
    if isinstance(events[-1], TurnCompleted):
        assert text == said
        assert len(ends) == bool(said.strip())
        if ends and isinstance(events[ends[0]], AudioCompleted):
            assert answered < ends
    else:
        assert isinstance(events[-1], TurnAborted)
        assert said.startswith(text)
    await until(lambda: world.turns.running == 0)
    assert speech.closed <= 1


async def half_spoken(*events: AnyEvent) -> tuple[World, str, FakeSpeech]:
    """A turn that another process left when it had these events; its model can carry on."""
    left = World(ScriptedModel([asyncio.Event()]), voice_mode="live")
    turn_id = await left.ask(voice="v")
    await until(lambda: left.model.requests)
    await left.turns.drain(0)
    log = left.records.events[turn_id]
    del log[1:]
    log += [Stamped(n, 1, event) for n, event in enumerate(events, 1)]
    speech = FakeSpeech(b"abc", whole=False)
    model = ScriptedModel(says(" there. ", "End."))
    return (
        World(model, records=left.records, speech=speech, voice_mode="live", prefill=True),
        turn_id,
        speech,
    )


async def test_speech_that_another_process_began_is_not_begun_again() -> None:
    begun = (
        RouteChosen("default", "cloud"),
        TextDelta("Hi. You"),
        AudioDelta("audio/mpeg", "AAAA"),
    )
    world, turn_id, speech = await half_spoken(*begun)
    await world.turns.adopt()
    events = await told(world, turn_id)

    assert audio(events) == ["AudioDelta", "AudioFailed"]
    assert [e.code for e in events if isinstance(e, AudioFailed)] == ["worker_lost"]
    assert events[-1] == TurnCompleted("stop")
    assert speech.spoken == []


async def test_an_answer_of_which_nothing_was_spoken_yet_is_spoken_from_its_beginning() -> None:
    world, turn_id, speech = await half_spoken(
        RouteChosen("default", "cloud"), TextDelta("Hi. You")
    )
    await world.turns.adopt()
    events = await told(world, turn_id)

    assert TurnAdopted("n1", 2) in events
    assert speech.spoken == ["Hi.", "You there.", "End."]
    assert events[-2] == AudioCompleted("v", 300)


async def test_the_voice_is_not_read_on_while_half_of_the_backlog_is_not_held() -> None:
    speech = FakeSpeech(*[b"abc"] * 40, whole=False)
    world = live_world(*says("One. ", "Two."), speech=speech, backlog_events=20)
    world.journal.manual = True
    turn_id = await world.ask(voice="v")
    await until(lambda: world.live(turn_id).backlog > 10)
    await steps(200)
    assert world.live(turn_id).backlog < 20
    world.journal.manual = False
    world.journal.commit(turn_id)

    assert len(audio(await told(world, turn_id))) == 81
