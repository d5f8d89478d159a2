from __future__ import annotations

import pytest

from talkwire.canon.errors import SpeechError
from talkwire.canon.events import (
    AnyEvent,
    AudioCompleted,
    AudioDelta,
    AudioFailed,
    Stamped,
    TextDelta,
    TurnStarted,
)
from talkwire.engine.live import LiveTurn
from talkwire.engine.ports import Speech
from talkwire.engine.speaking import Speaker
from talkwire.engine.steps import Speak
from tests.engine.fakes import (
    OWNER,
    FakeSpeech,
    asking,
)
from tests.engine.storage import FakeJournal, FakeRecords


class Stage:
    """One turn whose answer is spoken."""

    def __init__(self, speech: Speech | None) -> None:
        records = FakeRecords()
        first = Stamped(0, 1, TurnStarted("t", "s_1", "native", asking(), "msg_t_in"))
        records.events["t"] = [first]
        journal = FakeJournal(records)
        self.live = LiveTurn([first], OWNER, journal=journal, observer=lambda s, e: None)
        self.speaker = Speaker(speech)

    async def speak(self, step: Speak) -> list[AnyEvent]:
        before = len(self.live.log.events)
        await self.speaker.speak(step, self.live)
        return [stamped.event for stamped in self.live.log.events[before:]]


async def test_speech_is_sent_piece_by_piece() -> None:
    speech = FakeSpeech(b"abc", b"de")
    stage = Stage(speech)
    stage.live.append([TextDelta("say this")])

    assert await stage.speak(Speak("v")) == [
        AudioDelta("audio/mpeg", "YWJj"),
        AudioDelta("audio/mpeg", "ZGU="),
        AudioCompleted("v", 200),
    ]
    assert speech.spoken == ["say this"]


async def test_failing_speech_fails_the_speech_alone() -> None:
    speech = FakeSpeech(b"abc", SpeechError("the service is away"))
    stage = Stage(speech)
    stage.live.append([TextDelta("say this")])
    events = await stage.speak(Speak("v"))

    assert events[-1] == AudioFailed("v", "speech_failed", "the service is away")
    assert len(events) == 2


@pytest.mark.parametrize(
    ("speech", "interrupted", "code"),
    [(None, False, "voice_unavailable"), (FakeSpeech(b"abc"), True, "worker_lost")],
)
async def test_speech_that_cannot_be_says_why(
    speech: FakeSpeech | None, interrupted: bool, code: str
) -> None:
    [event] = await Stage(speech).speak(Speak("v", interrupted=interrupted))

    assert isinstance(event, AudioFailed)
    assert event.code == code
    assert speech is None or speech.spoken == []


async def test_an_answer_that_is_too_long_is_spoken_no_further() -> None:
    stage = Stage(speech := FakeSpeech(b"abc", whole=False))
    stage.speaker = Speaker(speech, max_chars=10)
    stage.live.append([TextDelta("One. Two. Three.")])
    events = await stage.speak(Speak("v"))

    kinds = [type(event).__name__ for event in events]
    assert kinds == ["AudioDelta", "AudioDelta", "AudioFailed"]
    assert speech.spoken == ["One.", "Two."]
