"""Real processes: a supervisor, its workers, and what becomes of them."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from tests.e2e.servers import free_port
from tests.e2e.waiting import until
from tests.e2e.wire_client import asking

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.timeout(60)


@dataclass
class Few:
    """A supervisor as a child of the test; `seen` are the workers that have answered."""

    folder: Path
    port: int = field(default_factory=free_port)
    seen: set[int] = field(default_factory=set)

    def start(self, count: int) -> None:
        self.log = self.folder / "log"
        with self.log.open("wb") as sink:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.cli.few_workers", str(self.port), str(count)],
                stdin=subprocess.DEVNULL,
                stderr=sink,
                stdout=sink,
                cwd=self.folder,
                env={
                    "PATH": os.environ["PATH"],
                    "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")]),
                },
            )

    @property
    def said(self) -> str:
        return self.log.read_text()

    async def pid(self) -> int:
        """Who answers one more request. :raises OSError: refused, reset or cut."""
        async with asking(self.port, "GET", "/") as answer:
            assert answer.status == 200
            pid = int(await answer.body())
        self.seen.add(pid)
        return pid

    async def pids(self, count: int) -> set[int]:
        """The workers, once there are so many at the same time."""
        now: set[int] = set()
        async with asyncio.timeout(30):
            while len(now) < count or not all(map(_lives, now)):
                with suppress(OSError):
                    now |= set(await asyncio.gather(*[self.pid() for _ in range(8)]))
                now = {pid for pid in now if _lives(pid)}
        return now

    async def ended(self) -> int:
        await until(lambda: self.process.poll() is not None, 20)
        status = self.process.returncode
        assert isinstance(status, int)
        return status

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)


@pytest.fixture
def few(tmp_path: Path) -> Iterator[Few]:
    made = Few(tmp_path)
    yield made
    made.stop()


def _lives(pid: int) -> bool:
    """True until the process is gone, or waits for being collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_all_workers_answer_on_one_port_and_one_banner_is_shown(few: Few) -> None:
    few.start(3)

    assert len(await few.pids(3)) == 3
    assert few.process.pid not in few.seen
    assert few.said.count("serving a model") == 1


async def test_a_worker_that_is_killed_is_replaced(few: Few) -> None:
    few.start(2)
    first, second = await few.pids(2)

    os.kill(first, signal.SIGKILL)

    await until(lambda: not _lives(first))
    again = await few.pids(2)
    assert second in again
    assert first not in again


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_drains_all_workers_and_the_status_is_0(
    few: Few, number: signal.Signals
) -> None:
    few.start(2)
    pids = await few.pids(2)
    async with asking(few.port, "GET", "/slow") as answer:
        pieces = answer.pieces()
        await anext(pieces)
        few.process.send_signal(number)
        last = [piece async for piece in pieces][-1]

    assert last.endswith(b"end")
    assert await few.ended() == 0
    assert not any(map(_lives, pids))


async def test_a_second_signal_ends_all_at_once(few: Few) -> None:
    (few.folder / "stubborn").touch()
    few.start(2)
    pids = await few.pids(2)
    async with asking(few.port, "GET", "/slow") as answer:
        pieces = answer.pieces()
        await anext(pieces)
        few.process.send_signal(signal.SIGTERM)
        await until(lambda: _unanswered(few.port))
        assert few.process.poll() is None
        few.process.send_signal(signal.SIGTERM)
        async for _ in pieces:
            pass

    assert await few.ended() == 0
    assert not any(map(_lives, pids))


async def test_signals_to_the_whole_group_count_once(few: Few) -> None:
    (few.folder / "stubborn").touch()
    few.start(2)
    pids = await few.pids(2)

    for pid in [few.process.pid, *pids]:
        os.kill(pid, signal.SIGTERM)
    await until(lambda: _unanswered(few.port))

    # Draining waits for its own time; a signal counted twice would have ended it.
    assert all(map(_lives, pids))
    few.process.send_signal(signal.SIGTERM)
    assert await few.ended() == 0


async def test_workers_whose_supervisor_is_killed_end_and_free_the_port(few: Few) -> None:
    few.start(3)
    pids = await few.pids(3)

    few.process.kill()
    few.process.wait(5)

    await until(lambda: not any(map(_lives, pids)))
    with socket.create_server(("127.0.0.1", few.port)):
        pass


async def test_a_hang_up_replaces_every_worker_without_one_refused_connection(few: Few) -> None:
    few.start(2)
    before = await few.pids(2)
    asked = 0

    few.process.send_signal(signal.SIGHUP)
    until_at = time.monotonic() + 30
    while any(map(_lives, before)) and time.monotonic() < until_at:
        await asyncio.gather(*[few.pid() for _ in range(4)])  # refused or cut would raise
        asked += 4

    assert asked
    after = await few.pids(2)
    assert not after & before
    assert few.process.poll() is None


async def test_a_start_that_is_hindered_is_given_up_after_some_attempts(few: Few) -> None:
    (few.folder / "broken").touch()
    few.start(2)

    assert await few.ended() == 3
    assert few.said.count("cannot start: there is something broken") == 5


async def test_a_new_worker_that_does_not_start_leaves_the_old_ones_in_place(few: Few) -> None:
    few.start(2)
    before = await few.pids(2)
    (few.folder / "broken").touch()

    few.process.send_signal(signal.SIGHUP)

    await until(lambda: "not_replaced" in few.said)
    assert await few.pids(2) == before


async def test_who_ends_after_a_vain_replacement_is_replaced_by_its_like(few: Few) -> None:
    few.start(2)
    first, second = await few.pids(2)
    (few.folder / "broken").touch()
    few.process.send_signal(signal.SIGHUP)
    await until(lambda: "not_replaced" in few.said)

    os.kill(first, signal.SIGKILL)

    await until(lambda: not _lives(first))
    assert second in await few.pids(2)


async def test_workers_outlive_the_process_that_they_were_forked_from(few: Few) -> None:
    few.start(2)
    first, second = await few.pids(2)
    (nursery,) = psutil.Process(few.process.pid).children()
    assert {each.pid for each in nursery.children()} == {first, second}

    nursery.kill()
    await until(lambda: not _lives(nursery.pid))
    assert await few.pids(2) == {first, second}

    os.kill(first, signal.SIGKILL)
    assert second in await few.pids(2)
    few.process.terminate()
    assert await few.ended() == 0
    assert not any(map(_lives, few.seen))


def _unanswered(port: int) -> bool:
    """True once no worker takes connections any more: they wait, or are refused."""
    with socket.socket() as probe:
        probe.settimeout(0.3)
        try:
            probe.connect(("127.0.0.1", port))
            probe.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            return not probe.recv(1)
        except OSError:
            return True
