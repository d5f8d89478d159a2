from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from msgspec.structs import replace

from talkwire.canon.errors import (
    Conflict,
    Fenced,
    ModelError,
    StorageUnavailable,
    UpstreamUnavailable,
)
from talkwire.canon.events import (
    AudioCompleted,
    RouteChosen,
    Stamped,
    Terminal,
    TextDelta,
    ToolCalled,
    TurnAborted,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
    UsageCounted,
)
from talkwire.canon.records import TurnRecord
from talkwire.canon.turn import TextPart, TurnRequest
from talkwire.engine import seal as sealing
from talkwire.engine.live import LiveTurn
from talkwire.engine.seal import seal, store_end
from tests.engine.fakes import steps
from tests.engine.storage import FakeJournal, FakeRecords

DONE = TurnCompleted("stop")
ASKED = TurnRequest("s", "native", (TextPart("12345678"),))


def staged() -> tuple[LiveTurn, FakeJournal]:
    records = FakeRecords()
    first = Stamped(0, 1, TurnStarted("t", "s", "native", ASKED))
    records.events["t"] = [first]
    records.turns["t"] = TurnRecord("t", "s", "alice", "native", "running", 1)
    journal = FakeJournal(records)
    return LiveTurn([first], "alice", journal=journal, observer=lambda s, e: None), journal


async def sealed(
    live: LiveTurn, work: Coroutine[Any, Any, Terminal], then: Callable[[], object] = lambda: None
) -> Terminal | None:
    """Seal the work in a task of its own, and do something to it once it runs."""
    ends: list[Terminal | None] = []

    async def run() -> None:
        ends.append(await seal(live, work))

    live.task, live.began = asyncio.create_task(run()), True
    await steps(2)
    then()
    async with asyncio.timeout(5):
        await live.task
    [end] = ends
    return end


async def forever() -> Terminal:
    await asyncio.Event().wait()
    return DONE


async def raising(error: BaseException) -> Terminal:
    raise error


async def failing_when_cancelled(error: Exception) -> Terminal:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        raise error from None
    return DONE


async def deaf() -> Terminal:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return DONE
    return DONE


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [
        (UpstreamUnavailable("reset"), "upstream_unavailable", True),
        (ModelError("odd"), "upstream_error", False),
        (TimeoutError(), "upstream_timeout", True),
        (ValueError("secret"), "internal_error", False),
        (AssertionError(), "internal_error", False),
        (RecursionError(), "internal_error", False),
        (asyncio.CancelledError(), "internal_error", False),  # nobody asked for it: a bug
    ],
)
async def test_any_error_fails_the_turn_once(
    error: BaseException, code: str, retryable: bool
) -> None:
    live, _ = staged()
    terminal = await sealed(live, raising(error))

    assert isinstance(terminal, TurnFailed)
    assert (terminal.code, terminal.retryable) == (code, retryable)
    assert "secret" not in terminal.message


async def test_work_that_is_done_ends_as_it_says() -> None:
    live, _ = staged()

    async def work() -> Terminal:
        return DONE

    assert await sealed(live, work()) == DONE


@pytest.mark.parametrize(
    "work", [forever, lambda: failing_when_cancelled(UpstreamUnavailable("closed"))]
)
async def test_an_abort_is_an_abort_however_the_work_stops(
    work: Callable[[], Coroutine[Any, Any, Terminal]],
) -> None:
    live, _ = staged()
    live.aborted_by = "client"

    assert await sealed(live, work(), live.stop) == TurnAborted("client")


async def test_work_that_is_done_in_spite_of_an_abort_has_won() -> None:
    live, _ = staged()
    live.aborted_by = "client"

    assert await sealed(live, deaf(), live.stop) == DONE


async def test_an_abort_leaves_no_cancellation_for_what_comes_after() -> None:
    live, _ = staged()
    live.aborted_by = "client"
    left: list[int] = []

    async def work() -> None:
        await seal(live, forever())
        task = asyncio.current_task()
        assert task is not None
        left.append(task.cancelling())

    live.task, live.began = asyncio.create_task(work()), True
    await steps(2)
    live.stop()
    await live.task

    assert left == [0]


@pytest.mark.parametrize(
    "work", [forever, lambda: failing_when_cancelled(UpstreamUnavailable("closed"))]
)
async def test_a_server_that_stops_ends_no_turn(
    work: Callable[[], Coroutine[Any, Any, Terminal]],
) -> None:
    live, _ = staged()

    assert await sealed(live, work(), live.stop) is None


async def test_a_closing_event_loop_ends_no_turn() -> None:
    live, _ = staged()

    def cancel() -> None:
        assert live.task is not None
        live.task.cancel()

    assert await sealed(live, forever(), cancel) is None


@pytest.mark.parametrize("error", [Fenced("gone"), StorageUnavailable("away")])
async def test_a_lost_turn_is_ended_by_somebody_else(error: StorageUnavailable | Fenced) -> None:
    live, journal = staged()
    live.aborted_by = "client"

    assert await sealed(live, forever(), lambda: journal.lose(error)) is None


async def test_a_fenced_store_ends_no_turn() -> None:
    live, _ = staged()

    assert await sealed(live, raising(Fenced("gone"))) is None


@pytest.fixture
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "_STORE_AGAIN_S", (0.0,) * 4)


@pytest.mark.usefixtures("_at_once")
@pytest.mark.parametrize("error", [StorageUnavailable("away"), OSError("disk"), TimeoutError()])
async def test_storage_that_is_away_at_the_end_is_asked_again(error: Exception) -> None:
    live, journal = staged()
    journal.finish_fails.extend([error] * 3)

    assert await store_end(live, DONE, journal)
    assert journal.finishes == 4
    assert live.log.ended
    assert len(live.log.events) == 2


@pytest.mark.usefixtures("_at_once")
async def test_storage_that_stays_away_leaves_the_turn_unfinished() -> None:
    live, journal = staged()
    journal.finish_fails.extend([StorageUnavailable("away")] * 9)

    assert not await store_end(live, DONE, journal)
    assert journal.finishes == 5
    assert not live.log.ended


@pytest.mark.parametrize("error", [Fenced("gone"), Conflict("ended")])
async def test_another_ones_turn_is_not_ended_twice(error: Exception) -> None:
    live, journal = staged()
    journal.finish_fails.append(error)

    assert not await store_end(live, DONE, journal)
    assert journal.finishes == 1


@pytest.mark.parametrize(
    ("terminal", "status"),
    [(DONE, "completed"), (TurnFailed("c", "m"), "failed"), (TurnAborted("client"), "aborted")],
)
async def test_a_cut_answer_is_stored_with_all_that_was_said_and_used(
    terminal: Terminal, status: str
) -> None:
    live, journal = staged()
    live.append([RouteChosen("m", "cloud", reasons=("why",)), TextDelta("abcd"), TextDelta("efgh")])
    assert await store_end(live, terminal, journal)

    outcome = journal.records.outcomes["t"]
    assert (outcome.status, outcome.terminal) == (status, terminal)
    assert [s.event for s in outcome.tail] == [UsageCounted(2, 2, estimated=True), terminal]
    assert outcome.log == tuple(live.log.events)
    assert [m.text for m in outcome.messages] == ["abcdefgh"]
    assert outcome.messages[-1].incomplete
    assert (outcome.model, outcome.model_type, outcome.reasons) == ("m", "cloud", ("why",))
    assert (outcome.usage.output_tokens, outcome.usage.estimated) == (2, True)
    assert outcome.ended_at == live.log.events[-1].at
    assert outcome.first_token_at == live.log.events[2].at


async def test_what_was_heard_and_spoken_is_stored_with_the_end() -> None:
    live, journal = staged()
    live.state.request = replace(ASKED, heard_ms=1500)
    live.append([AudioCompleted("v", duration_ms=700)])
    await store_end(live, DONE, journal)

    assert journal.records.outcomes["t"].voice_ms == 2200


async def test_what_was_counted_is_not_counted_again() -> None:
    live, journal = staged()
    live.append([TextDelta("abcd"), UsageCounted(5, 6), ToolCalled("a", "one", "{}")])
    await store_end(live, TurnAborted("client"), journal)

    assert journal.records.outcomes["t"].usage.output_tokens == 6


async def test_while_the_end_is_stored_nothing_interrupts_it() -> None:
    live, journal = staged()
    journal.finish_gate = asyncio.Event()

    async def run() -> None:
        assert await store_end(live, DONE, journal)

    live.task, live.began = asyncio.create_task(run()), True
    await steps(3)
    live.aborted_by = "client"
    live.stop()
    journal.finish_gate.set()

    await live.task
    assert journal.records.turns["t"].status == "completed"
