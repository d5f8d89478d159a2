"""A model's own threads: few, bounded, and no hindrance to the end of the process."""

from __future__ import annotations

import asyncio
import contextvars
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from talkwire.models._threads import WAITING, Full, Threads
from tests.models.conftest import until


@pytest.fixture
def threads() -> Iterator[Threads]:
    made = Threads(1)
    yield made
    made.close()


async def test_what_it_gives_and_what_it_raises_come_back(threads: Threads) -> None:
    mark = contextvars.ContextVar("mark", default="")
    mark.set("this turn's")

    assert await threads.run(mark.get) == "this turn's"
    with pytest.raises(ZeroDivisionError):
        await threads.run(lambda: 1 // 0)
    with pytest.raises(SystemExit):
        await threads.run(sys.exit)
    assert await threads.run(threading.current_thread) is await threads.run(
        threading.current_thread
    )


async def test_threads_are_begun_as_they_are_needed() -> None:
    threads, before = Threads(3), threading.active_count()
    await asyncio.gather(*(threads.run(int) for _ in range(2)))
    assert threading.active_count() <= before + 2

    go = threading.Event()
    running: list[int] = []

    def run() -> None:
        running.append(1)
        go.wait(5)

    work = [asyncio.ensure_future(threads.run(run)) for _ in range(6)]
    await until(lambda: len(running) == 3)
    assert threading.active_count() <= before + 3

    go.set()
    await asyncio.gather(*work)
    assert len(running) == 6
    threads.close()
    await until(lambda: threading.active_count() <= before)


async def test_only_so_many_wait_and_who_is_given_up_makes_room(threads: Threads) -> None:
    go = threading.Event()
    done: list[int] = []

    def run(number: int) -> None:
        go.wait(5)
        done.append(number)

    work = [asyncio.ensure_future(threads.run(partial(run, n))) for n in range(1 + WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(Full):
        await threads.run(int)

    work[5].cancel()
    await asyncio.wait([work[5]])
    last = asyncio.ensure_future(threads.run(partial(run, 99)))
    go.set()
    await asyncio.wait([*work, last])

    assert done == [n for n in range(1 + WAITING) if n != 5] + [99], "in their order"


async def test_nothing_is_kept_of_what_is_given_up_or_done(threads: Threads) -> None:
    class Conversation:
        pass

    mark: contextvars.ContextVar[Conversation] = contextvars.ContextVar("mark")

    def asked(wait: threading.Event) -> tuple[asyncio.Task[Any], list[weakref.ref[Any]]]:
        said, around = Conversation(), Conversation()
        context = contextvars.copy_context()
        context.run(mark.set, around)
        work = threads.run(lambda: wait.wait(5) and said is None)
        task = asyncio.get_running_loop().create_task(work, context=context)
        return task, [weakref.ref(said), weakref.ref(around)]

    go = threading.Event()
    first, of_first = asked(go)
    second, of_second = asked(go)
    await until(lambda: len(threads._jobs) == 1)
    second.cancel()
    await asyncio.wait([second])
    del second
    assert not threads._jobs
    await until(lambda: not any(each() for each in of_second))

    go.set()
    await first
    del first
    await until(lambda: not any(each() for each in of_first))


async def test_a_place_is_free_when_the_thread_is_and_no_sooner(threads: Threads) -> None:
    go, begun = threading.Event(), threading.Event()

    def run() -> None:
        begun.set()
        go.wait(5)

    running = asyncio.ensure_future(threads.run(run))
    await asyncio.to_thread(begun.wait, 5)

    running.cancel()
    await asyncio.wait([running])
    assert threads._inside == 1
    go.set()

    await until(lambda: not threads._inside)
    assert await threads.run(lambda: "next") == "next"


async def test_who_waits_when_it_is_closed_waits_no_longer(threads: Threads) -> None:
    go = threading.Event()
    work = [asyncio.ensure_future(threads.run(lambda: go.wait(5))) for _ in range(3)]
    await until(lambda: len(threads._jobs) == 2)

    threads.close()
    await asyncio.wait(work[1:])
    assert [each.cancelled() for each in work[1:]] == [True, True]

    go.set()
    assert await work[0]


def test_one_that_hangs_does_not_keep_the_process_from_ending() -> None:
    code = (
        "import asyncio, threading\n"
        "from talkwire.models._threads import Threads\n"
        "async def main():\n"
        "    threads = Threads(1)\n"
        "    task = asyncio.ensure_future(threads.run(threading.Event().wait))\n"
        "    await asyncio.sleep(0.05)\n"
        "    task.cancel()\n"
        "    threads.close()\n"
        "asyncio.run(main())\n"
        "print('ended')\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False
    )

    assert (done.stdout, done.stderr) == ("ended\n", "")
