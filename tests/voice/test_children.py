from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from talkwire.canon.errors import Unavailable
from talkwire.voice.children import Children, Overrun
from tests.e2e.waiting import until

ECHO = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"
HANG = "import sys, time\nsys.stdout.write('x')\nsys.stdout.flush()\ntime.sleep(60)"
FLOOD = "import sys\nwhile True: sys.stdout.write('x' * 65536)"
DEAF = "import sys; sys.exit(7)"
ENVIRONMENT = "import os; print(sorted(os.environ))"


Make = Callable[[str], Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes a program of this source."""

    def made(source: str) -> Path:
        path = tmp_path / f"program{len(list(tmp_path.iterdir()))}.py"
        path.write_text(source, "utf-8")
        return path

    return made


async def _run(
    program: Path,
    given: bytes = b"",
    *,
    children: Children | None = None,
    timeout_s: float = 20,
    most: int = 1_000_000,
) -> tuple[int, bytes]:
    children = children or Children(at_once=1, queue_s=5)
    return await children.run(program, [], given, timeout_s=timeout_s, most_bytes=most)


async def test_what_goes_in_may_be_more_than_a_pipe_holds(make: Make) -> None:
    given = bytes(range(256)) * 3_000

    assert await _run(make(ECHO), given) == (0, given)


async def test_a_program_that_does_not_read_is_no_trouble(make: Make) -> None:
    assert await _run(make(DEAF), bytes(900_000)) == (7, b"")


async def test_a_program_knows_nothing_of_this_process(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")

    _, out = await _run(make(ENVIRONMENT))

    assert b"OPENAI_API_KEY" not in out
    assert b"HOME" not in out


async def test_one_that_hangs_is_killed(make: Make) -> None:
    children = Children(at_once=1, queue_s=5)

    with pytest.raises(Overrun):
        await _run(make(HANG), children=children, timeout_s=0.3)

    assert children.running == set()


async def test_one_that_says_too_much_is_killed(make: Make) -> None:
    children = Children(at_once=1, queue_s=5)

    with pytest.raises(Overrun):
        await _run(make(FLOOD), children=children, most=100_000)

    assert await _run(make(ECHO), b"next", children=children) == (0, b"next")


async def test_one_that_nobody_waits_for_is_killed(make: Make) -> None:
    children = Children(at_once=1, queue_s=5)
    task = asyncio.create_task(_run(make(HANG), children=children))
    await until(lambda: bool(children.running))
    (pid,) = children.running

    task.cancel()
    with suppress(asyncio.CancelledError):
        await task

    assert not psutil.pid_exists(pid)
    assert children.running == set()


async def test_who_finds_no_place_in_time_is_told_to_come_back(make: Make) -> None:
    children = Children(at_once=1, queue_s=0.05)
    first = asyncio.create_task(_run(make(HANG), children=children))
    await until(lambda: bool(children.running))

    with pytest.raises(Unavailable):
        await _run(make(ECHO), children=children)

    first.cancel()
    await asyncio.wait([first])
