"""Questions beside the conversation: what each costs is told, whatever becomes of it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from talkwire.canon.deltas import Delta, Finish, Text, Tokens
from talkwire.canon.errors import ModelError, UpstreamIncomplete, UpstreamUnavailable
from talkwire.canon.events import Stamped, TurnStarted, UsageCounted
from talkwire.canon.turn import ModelRequest, text_message
from talkwire.engine import aside
from talkwire.engine.live import LiveTurn
from talkwire.engine.route import Router
from tests.engine.fakes import OWNER, Act, FakeModels, FakePrompts, ScriptedModel, asking
from tests.engine.storage import FakeJournal, FakeRecords

ASKED = ModelRequest("m", (text_message("a", "user", "four tokens of text"),), instructions="abcd")


async def asked(
    answer: Sequence[Act], usage: list[UsageCounted] | None = None
) -> tuple[str, list[UsageCounted], ModelError | None]:
    """What was heard, what it cost (also in `usage`), and how it failed."""
    records = FakeRecords()
    first = Stamped(0, 1, TurnStarted("t", "s_1", "native", asking(), "msg_t_in"))
    records.events["t"] = [first]
    live = LiveTurn([first], OWNER, journal=FakeJournal(records), observer=lambda s, e: None)
    routed = await Router(FakeModels(ScriptedModel(answer)), FakePrompts()).plan(asking())
    heard: list[str] = []
    error = None
    try:
        await aside.ask(ASKED, live, routed, heard.append)
    except ModelError as failed:
        error = failed
    finally:
        if usage is not None:
            usage += live.state.usage
    return "".join(heard), live.state.usage, error


async def test_the_text_is_heard_and_the_usage_is_priced() -> None:
    end: list[Delta] = [Tokens(1_000_000, 500_000), Finish("stop")]

    heard, usage, error = await asked([[Text("Yes"), Text(".")], end])

    assert (heard, error) == ("Yes.", None)
    assert usage == [UsageCounted(1_000_000, 500_000, cost=2.0, model="default")]


@pytest.mark.parametrize("failure", [UpstreamUnavailable("gone"), None])
async def test_what_was_cut_is_estimated(failure: ModelError | None) -> None:
    ends: list[Act] = [failure] if failure else []

    heard, usage, error = await asked([[Text("Yes, I")], *ends])

    assert heard == "Yes, I"
    assert isinstance(error, UpstreamUnavailable if failure else UpstreamIncomplete)
    (counted,) = usage
    assert (counted.input_tokens, counted.output_tokens, counted.estimated) == (10, 1, True)


async def test_what_was_cut_off_before_it_said_anything_has_cost_its_question() -> None:
    usage: list[UsageCounted] = []

    with pytest.raises(TimeoutError):
        await asked([TimeoutError()], usage)

    assert usage == [UsageCounted(10, 0, estimated=True, cost=0.00001, model="default")]


async def test_what_said_nothing_has_cost_nothing() -> None:
    assert (await asked([UpstreamUnavailable("gone")]))[1] == []
