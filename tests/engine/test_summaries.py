"""Summaries: one question where the text fits, many side by side where it does not."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence

import pytest
from msgspec import structs

from talkwire.canon.deltas import CallPiece, Delta, Finish, Hear, Reasoning, Text, Tokens
from talkwire.canon.errors import ModelError, UpstreamIncomplete, UpstreamUnavailable
from talkwire.canon.events import Stamped, TurnStarted, UsageCounted
from talkwire.canon.turn import FinishReason, ModelRequest
from talkwire.engine.digest import Asked
from talkwire.engine.live import LiveTurn
from talkwire.engine.route import Routed, Router
from talkwire.engine.summaries import AT_ONCE, Summaries, Summary
from tests.engine.fakes import (
    LIMIT_S,
    OWNER,
    FakeModels,
    FakePrompts,
    ScriptedModel,
    asking,
    says,
    steps,
    until,
)
from tests.engine.storage import FakeJournal, FakeRecords

ASKED = Asked("find", "{}", "Is there tea?")
LONG = "".join(f"line {n} of a long result\n" for n in range(12_000))  # 300,000 characters


class Reader:
    """A model that answers each question by what it is about; `gate` holds all but the last."""

    def __init__(self, on_part: Callable[[int], Sequence[Delta] | ModelError]) -> None:
        self.on_part = on_part
        self.requests: list[ModelRequest] = []
        self.running = self.most = self.closed = 0
        self.gate: asyncio.Event | None = None

    async def answer(self, request: ModelRequest, hear: Hear) -> None:
        self.requests.append(request)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            part = re.search(r"notes on part (\d+)", request.instructions)
            if part is None:
                for word in ("The ", "sum."):
                    hear([Text(word)])
                hear([Tokens(10, 2), Finish("stop")])
                return
            if self.gate is not None:
                await self.gate.wait()
            await asyncio.sleep(0)
            deltas = self.on_part(int(part[1]))
            if isinstance(deltas, ModelError):
                raise deltas
            hear(deltas)
        finally:
            self.running -= 1
            self.closed += 1

    async def check(self) -> str:
        return "a reader"

    async def close(self) -> None: ...


def notes(number: int) -> list[Delta]:
    return [Text(f"Notes {number}."), Tokens(100, 5), Finish("stop")]


class Stage:
    def __init__(self, model: ScriptedModel | Reader, *, context: int = 128_000) -> None:
        self.model = model
        self.context = context
        self.said: list[str] = []
        records = FakeRecords()
        first = Stamped(0, 1, TurnStarted("t", "s_1", "native", asking(), "msg_t_in"))
        records.events["t"] = [first]
        journal = FakeJournal(records)
        self.live = LiveTurn([first], OWNER, journal=journal, observer=lambda s, e: None)

    async def summarize(self, text: str, *, most: int = 8_000) -> Summary:
        routed = await Router(FakeModels(ScriptedModel()), FakePrompts()).plan(asking())
        choice = structs.replace(
            routed.choice, model=self.model, context_tokens=self.context, temperature=0.1
        )
        summaries = Summaries(self.live, Routed(routed.plan, choice))
        async with asyncio.timeout(LIMIT_S):
            return await summaries.summarize(text, ASKED, most=most, say=self.said.append)

    @property
    def usage(self) -> list[UsageCounted]:
        return self.live.state.usage


async def test_a_text_that_fits_is_one_question_and_its_answer_is_told_as_it_comes() -> None:
    model = ScriptedModel(says("The ", "sum."))
    stage = Stage(model)

    assert await stage.summarize("long " * 2_000) == Summary("The sum.", whole=True)

    assert stage.said == ["The ", "sum."]
    (request,) = model.requests
    assert (request.model, request.purpose, request.temperature) == ("upstream", "summary", 0.1)
    assert request.tools == ()
    assert request.max_output_tokens == 4_096
    assert "long " * 2_000 in request.messages[0].text
    assert '"Is there tea?"' in request.messages[0].text


async def test_parts_are_read_side_by_side_and_only_the_last_summary_is_told() -> None:
    model = Reader(notes)
    model.gate = asyncio.Event()
    stage = Stage(model, context=32_000)
    running = asyncio.create_task(stage.summarize(LONG))
    await until(lambda: len(model.requests) == AT_ONCE)
    await steps(20)
    assert (len(model.requests), stage.said) == (AT_ONCE, [])

    model.gate.set()
    summary = await running

    assert summary == Summary("The sum.", whole=True)
    assert stage.said == ["The ", "sum."]
    assert model.most == AT_ONCE
    *parts, last = model.requests
    assert len(parts) == 7
    assert f"Part 1 of {len(parts)}:\nNotes 1." in last.messages[0].text
    assert f"Part {len(parts)} of {len(parts)}:\nNotes {len(parts)}." in last.messages[0].text
    assert len(stage.usage) == len(model.requests)
    assert stage.live.state.total_usage().input_tokens == 100 * len(parts) + 10
    assert all(usage.cost for usage in stage.usage)


async def test_notes_that_do_not_fit_are_summed_up_in_levels() -> None:
    wordy: Sequence[Delta] = [Text("note " * 3_000), Finish("stop")]
    model = Reader(lambda number: wordy)
    stage = Stage(model, context=8_000)

    summary = await stage.summarize(LONG)

    kinds = ["these notes" in request.instructions for request in model.requests]
    assert summary.whole
    assert 1 < kinds.count(True) < kinds.count(False) / 3 + 2
    assert len(model.requests) <= 64


async def test_of_too_many_parts_the_beginning_and_the_end_are_read_and_that_is_told() -> None:
    model = Reader(notes)
    summary = await Stage(model, context=8_000).summarize(LONG * 3)

    assert summary == Summary("The sum.", whole=False)
    assert len(model.requests) <= 64
    assert "line 0 of" in model.requests[0].messages[0].text
    assert any("line 11999 of" in request.messages[0].text for request in model.requests)


@pytest.mark.parametrize(
    "failure",
    [
        UpstreamUnavailable("down"),
        [Text("half")],
        [Text("  "), Finish("stop")],
        [CallPiece(0, "c", "find", "{}"), Finish("stop")],
    ],
)
async def test_one_part_that_fails_ends_the_others(failure: list[Delta] | ModelError) -> None:
    model = Reader(lambda number: failure if number == 2 else notes(number))
    stage = Stage(model, context=32_000)

    with pytest.raises(ModelError):
        await stage.summarize(LONG)
    assert stage.said == []
    assert (model.running, model.closed) == (0, len(model.requests))
    assert len(model.requests) < 8


@pytest.mark.parametrize(("reason", "whole"), [("stop", True), ("length", False)])
async def test_a_summary_is_whole_when_the_model_ended_it(
    reason: FinishReason, whole: bool
) -> None:
    stage = Stage(ScriptedModel([[Reasoning("hm")], [Text("sum")], [Finish(reason)]]))

    assert await stage.summarize("long") == Summary("sum", whole)


async def test_a_summary_that_is_too_long_ends_with_a_whole_character() -> None:
    stage = Stage(ScriptedModel(says("abc", "de\u0301f", "ghi")))

    summary = await stage.summarize("long", most=5)

    assert summary == Summary("abcd", whole=False)
    assert stage.said == ["abc", "d"]


async def test_an_empty_summary_and_one_without_an_end_are_none() -> None:
    for answer in ([[Finish("stop")]], [[Text("half")]]):
        with pytest.raises(UpstreamIncomplete):
            await Stage(ScriptedModel(answer)).summarize("long")


async def test_a_context_that_is_too_small_is_not_asked() -> None:
    model = ScriptedModel(says("sum"))

    with pytest.raises(ModelError, match="too small"):
        await Stage(model, context=1_000).summarize("long")
    assert model.requests == []


async def test_cancelling_ends_every_question_and_what_was_said_is_counted() -> None:
    model = ScriptedModel([[Text("half of it")], asyncio.Event()])
    stage = Stage(model)
    running = asyncio.create_task(stage.summarize("long"))
    await until(lambda: stage.said)

    running.cancel()
    await asyncio.wait([running])

    assert running.cancelled()
    assert model.closed == 1
    (usage,) = stage.usage
    assert (usage.estimated, usage.output_tokens) == (True, 3)

    reader = Reader(notes)
    reader.gate = asyncio.Event()
    stage = Stage(reader, context=32_000)
    running = asyncio.create_task(stage.summarize(LONG))
    await until(lambda: reader.running == AT_ONCE)
    running.cancel()
    await asyncio.wait([running])
    assert (running.cancelled(), reader.running, len(stage.usage)) == (True, 0, AT_ONCE)
    assert all(used.input_tokens > 0 == used.output_tokens for used in stage.usage)
