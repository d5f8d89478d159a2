from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from talkwire.canon.errors import Forbidden
from talkwire.canon.tools import RESULT_CHARS, ToolAnswer
from talkwire.tools import running
from talkwire.tools.running import Pieces, Refusal, Threads, answer
from tests.tools.calls import Heard

PATIENCE_S = 10.0


async def run(
    work: Callable[[], Any], heard: Heard | None = None, *, blocking: bool = False
) -> ToolAnswer:
    threads = Threads(4) if blocking else None
    async with asyncio.timeout(PATIENCE_S):
        return await answer("t", work, pieces=Pieces(heard or Heard()), threads=threads)


def _threads() -> int:
    return sum(thread.name == "talkwire-tool" for thread in threading.enumerate())


async def _no_threads_left() -> None:
    async with asyncio.timeout(PATIENCE_S):
        while _threads():  # noqa: ASYNC110 - threads set no event when they have ended
            await asyncio.sleep(0.005)


class Unprintable(Exception):
    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("no such city"), "The tool failed: ValueError: no such city"),
        (KeyError("x"), "The tool failed: KeyError: 'x'"),
        (
            ValueError("401 for https://h/v1?key=k"),
            "The tool failed: ValueError: 401 for https://h/v1",
        ),
        (SystemExit(3), "The tool failed: SystemExit: 3"),
        (StopIteration(1), "StopIteration"),
        (TimeoutError(), "The tool failed: TimeoutError"),
        (asyncio.CancelledError(), "CancelledError"),
        (RecursionError("deep"), "RecursionError: deep"),
        (Unprintable(), "Unprintable"),
        (Forbidden("Not for you."), "Not for you."),
        (Refusal("Nothing is divided by zero."), "Nothing is divided by zero."),
        (BaseExceptionGroup("two", [SystemExit(1)]), "BaseExceptionGroup: two"),
        (ExceptionGroup("two", [ValueError("a")]), "ExceptionGroup: two (1 sub-exception)"),
    ],
)
@pytest.mark.parametrize("blocking", [False, True])
async def test_whatever_is_raised_is_an_answer(
    error: BaseException, told: str, blocking: bool
) -> None:
    def work() -> Any:
        raise error

    answered = await run(work, blocking=blocking)

    assert answered.is_error
    assert told in answered.result


async def test_a_log_line_tells_where_a_tool_raised_and_not_what() -> None:
    def work() -> Any:
        raise ValueError("the person's secret")

    with capture_logs() as lines:
        await run(work)

    (line,) = lines
    assert (line["event"], line["error"]) == ("tool.raised", "ValueError")
    assert "test_running.py:" in line["at"]
    assert "secret" not in str(line)


async def test_a_refusal_is_no_line_of_the_log() -> None:
    async def work() -> str:
        raise Refusal("no")

    with capture_logs() as lines:
        assert (await run(work)).is_error

    assert lines == []


@pytest.mark.parametrize("blocking", [False, True])
async def test_an_error_of_any_length_is_told_shortly(blocking: bool) -> None:
    def work() -> Any:
        raise ValueError("x" * 1_000_000)

    assert len((await run(work, blocking=blocking)).result) == 2_000


async def test_what_json_cannot_write_is_refused() -> None:
    assert await run(object) == ToolAnswer(
        "The tool's answer of type object cannot be written as JSON.", is_error=True
    )
    circle: list[Any] = []
    circle.append(circle)
    assert (await run(lambda: circle)).is_error


async def test_a_result_over_the_limit_is_cut_and_marked() -> None:
    answered = await run(lambda: "x" * (RESULT_CHARS + 1))

    assert len(answered.result) == RESULT_CHARS
    assert answered.truncated
    assert not (await run(lambda: "x" * RESULT_CHARS)).truncated


async def _endless() -> AsyncIterator[str]:
    while True:
        yield "x" * 50_000


def _endless_in_a_thread() -> Iterator[str]:
    while True:
        yield "x" * 50_000


@pytest.mark.parametrize(("work", "blocking"), [(_endless, False), (_endless_in_a_thread, True)])
async def test_a_generator_without_end_is_ended_at_the_limit(
    work: Callable[[], Any], blocking: bool
) -> None:
    heard = Heard()

    answered = await run(work, heard, blocking=blocking)

    assert len(answered.result) == len(heard.text) == RESULT_CHARS
    assert answered.truncated
    await _no_threads_left()


async def test_a_generator_that_never_waits_lets_others_run() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def work() -> AsyncIterator[str]:
        for _ in range(100):
            yield "x"

    task = asyncio.create_task(other())
    await run(work)
    task.cancel()

    assert turns >= 100


async def test_a_generator_that_raises_in_mid_stream_is_an_error_after_its_pieces() -> None:
    async def work() -> AsyncIterator[str]:
        yield "a"
        raise ValueError("b")

    heard = Heard()

    assert (await run(work, heard)).result == "The tool failed: ValueError: b"
    assert heard.text == "a"


async def test_cancelling_closes_the_generator_and_nothing_more_is_heard() -> None:
    closed = asyncio.Event()

    async def work() -> AsyncIterator[str]:
        try:
            yield "a"
            await asyncio.Event().wait()
        finally:
            yield_nothing_more.say("late")
            closed.set()

    heard = Heard()
    yield_nothing_more = Pieces(heard)
    task = asyncio.create_task(answer("t", work, pieces=yield_nothing_more, threads=None))
    async with asyncio.timeout(PATIENCE_S):
        await heard.any.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert closed.is_set()
    assert heard.pieces == ["a"]


async def test_a_tool_that_will_not_be_cancelled_is_left_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(running, "GRACE_S", 0.01)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def work() -> str:
        begun.set()
        while not go_on.is_set():
            try:
                await go_on.wait()
            except asyncio.CancelledError:
                continue
        return "late"

    task = asyncio.create_task(answer("t", work, pieces=Pieces(Heard()), threads=None))
    await begun.wait()
    task.cancel()
    with capture_logs() as lines, pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(PATIENCE_S):
            await task
    go_on.set()
    async with asyncio.timeout(PATIENCE_S):
        while running._left:  # noqa: ASYNC110 - its end sets nothing
            await asyncio.sleep(0)

    assert [line["event"] for line in lines] == ["tool.will_not_stop"]


async def test_a_cancelled_call_leaves_its_thread_and_keeps_its_place_until_that_ends() -> None:
    begun, go_on = threading.Event(), threading.Event()
    threads = Threads(1)

    def blocks() -> None:
        begun.set()
        go_on.wait(PATIENCE_S)

    task = asyncio.create_task(answer("t", blocks, pieces=Pieces(Heard()), threads=threads))
    while not begun.is_set():  # noqa: ASYNC110 - a thread's event
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    second = asyncio.create_task(threads.run(lambda: "second"))
    await asyncio.sleep(0.01)
    assert not second.done()
    go_on.set()

    async with asyncio.timeout(PATIENCE_S):
        assert await second == "second"
    await _no_threads_left()


async def test_a_generator_in_a_thread_stops_at_its_next_piece_when_cancelled() -> None:
    closed = threading.Event()

    def work() -> Iterator[str]:
        try:
            while True:
                yield "x"
        finally:
            closed.set()

    heard = Heard()
    task = asyncio.create_task(answer("t", work, pieces=Pieces(heard), threads=Threads()))
    async with asyncio.timeout(PATIENCE_S):
        await heard.any.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    count = len(heard.pieces)
    await _no_threads_left()

    assert closed.is_set()
    assert len(heard.pieces) == count


async def test_no_more_threads_run_at_once_than_are_allowed() -> None:
    threads, most, now = Threads(3), 0, 0
    lock = threading.Lock()
    meet = threading.Barrier(3, timeout=PATIENCE_S)

    def work() -> None:
        nonlocal most, now
        with lock:
            now += 1
            most = max(most, now)
        meet.wait()
        with lock:
            now -= 1

    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*(threads.run(work) for _ in range(30)))

    assert most <= 3
    await _no_threads_left()


async def test_a_thread_that_cannot_be_started_is_an_answer_and_keeps_no_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    threads = Threads(1)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        answered = await answer("t", str, pieces=Pieces(Heard()), threads=threads)

    assert answered.is_error
    async with asyncio.timeout(PATIENCE_S):
        assert await threads.run(lambda: "next") == "next"


async def test_pieces_of_a_fast_thread_come_in_order_and_whole() -> None:
    numbers = [f"{n}," for n in range(20_000)]
    heard = Heard()

    answered = await run(lambda: iter_of(numbers), heard, blocking=True)

    assert heard.text == answered.result == "".join(numbers)


def iter_of(pieces: list[str]) -> Iterator[str]:
    yield from pieces


async def test_a_thread_may_give_an_awaitable_which_is_awaited_on_the_loop() -> None:
    async def later() -> str:
        return threading.current_thread().name

    def work() -> Awaitable[str]:
        return later()

    assert await run(work, blocking=True) == ToolAnswer(threading.current_thread().name)


HANGING = """
import asyncio, threading, time
from talkwire.tools.running import Pieces, Threads, answer

async def main():
    begun = threading.Event()
    def hangs():
        begun.set()
        time.sleep(3600)
    task = asyncio.create_task(answer("t", hangs, pieces=Pieces(print), threads=Threads()))
    while not begun.is_set():
        await asyncio.sleep(0.01)
    task.cancel()

asyncio.run(main())
print("ended")
"""


def test_a_tool_that_hangs_does_not_keep_the_process_from_ending() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGING], capture_output=True, text=True, timeout=30, check=True
    )

    assert done.stdout == "ended\n"
