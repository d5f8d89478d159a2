"""A recorded turn says again what was said, with its pauses."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from talkwire.canon.deltas import Finish, Reasoning, Text, Tokens
from talkwire.canon.errors import ModelError, UpstreamIncomplete
from talkwire.canon.events import (
    AnyEvent,
    ReasoningDelta,
    RouteChosen,
    Stamped,
    TextDelta,
    TurnAborted,
    TurnCompleted,
    TurnFailed,
    UsageCounted,
    dump,
)
from talkwire.models.playback import Playback, load
from tests.models.conftest import ask, listen

SAID: list[AnyEvent] = [
    RouteChosen("m", "t"),
    ReasoningDelta("hm"),
    TextDelta("Hello "),
    TextDelta("world"),
    UsageCounted(3, 2),
]


def recorded(*events: AnyEvent, gap_ms: int = 0) -> list[Stamped]:
    return [Stamped(n, 1_000 + n * gap_ms, event) for n, event in enumerate(events)]


def written(path: Path, lines: list[Stamped]) -> Path:
    path.write_bytes(b"\n".join(dump([line])[1:-1] for line in lines) + b"\n")
    return path


async def test_a_file_is_played_back(tmp_path: Path) -> None:
    path = written(tmp_path / "turn.jsonl", recorded(*SAID, TurnCompleted("length")))

    heard = await listen(load(path), ask())

    assert heard.deltas == [
        Reasoning("hm"),
        Text("Hello "),
        Text("world"),
        Tokens(3, 2),
        Finish("length"),
    ]


async def test_pauses_are_kept_at_the_given_speed() -> None:
    model = Playback(recorded(*SAID, TurnCompleted("stop"), gap_ms=20), speed=2)
    began = asyncio.get_running_loop().time()

    await listen(model, ask())

    assert 0.05 <= asyncio.get_running_loop().time() - began < 1


async def test_what_was_said_already_is_passed_over() -> None:
    model = Playback(recorded(*SAID, TurnCompleted("stop")))

    assert (await listen(model, ask(partial="Hello wo"))).text == "rld"


async def test_recorded_failures_fail_again() -> None:
    failed = TurnFailed("upstream_timeout", "Too slow.", retryable=True)

    error = (await listen(Playback(recorded(*SAID, failed)), ask())).error
    aborted = (await listen(Playback(recorded(*SAID, TurnAborted("client"))), ask())).error
    cut = (await listen(Playback(recorded(*SAID)), ask())).error

    assert isinstance(error, ModelError)
    assert (error.code, error.retryable) == ("upstream_timeout", True)
    assert isinstance(aborted, UpstreamIncomplete)
    assert isinstance(cut, UpstreamIncomplete)


@pytest.mark.parametrize("content", [b"", b"not json", b"[1,2]", b'[0,1,{"kind":"nope"}]'])
def test_what_is_no_recording_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)

    with pytest.raises(ValueError, match="script"):
        load(path)


def test_a_missing_recording_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot read"):
        load(tmp_path / "none.jsonl")
