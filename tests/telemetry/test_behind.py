"""A slow disk holds up nobody, and what is let go is counted and told."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from talkwire.telemetry.behind import Behind, Sink


class Disk:
    """Takes lines when it may; fails where it is `broken`."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.open = threading.Event()
        self.open.set()
        self.broken = False
        self.closed = 0

    def write(self, line: bytes) -> None:
        assert self.open.wait(10)
        if self.broken:
            raise OSError("No space left on device")
        self.lines.append(line.decode().rstrip())

    def close(self) -> None:
        self.closed += 1


Make = Callable[..., Behind]


@pytest.fixture
def behind() -> Iterator[Make]:
    made: list[Behind] = []

    def make(*sinks: Sink, most: int = 100) -> Behind:
        made.append(Behind(sinks, told=lambda count: f"dropped {count}", most=most))
        return made[-1]

    yield make
    for each in made:
        each.close()


def _say(handler: Behind, text: str, level: int = logging.INFO) -> None:
    handler.handle(logging.LogRecord("a", level, "", 0, text, (), None))


def test_lines_come_in_their_order_to_each_sink_of_their_level(behind: Make) -> None:
    everything, trouble = Disk(), Disk()
    handler = behind(Sink(logging.NOTSET, everything), Sink(logging.WARNING, trouble))

    for number in range(20):
        _say(handler, f"{number}", logging.WARNING if number % 5 == 0 else logging.INFO)
    handler.flush()

    assert everything.lines == [str(number) for number in range(20)]
    assert trouble.lines == ["0", "5", "10", "15"]


def test_a_disk_that_stands_still_holds_up_nobody(behind: Make) -> None:
    disk = Disk()
    disk.open.clear()
    handler = behind(Sink(0, disk), most=10)

    began = time.thread_time()
    for number in range(1000):
        _say(handler, f"{number}")
    took_s = time.thread_time() - began
    waiting = handler.dropped
    disk.open.set()
    handler.flush()
    _say(handler, "later")
    handler.flush()

    assert took_s < 1
    assert 1000 - 10 - 1 <= waiting <= 1000 - 10
    assert len([line for line in disk.lines if line.isdigit()]) == 1000 - waiting
    told = [line.removeprefix("dropped ") for line in disk.lines if line.startswith("dropped")]
    assert sum(map(int, told)) == waiting
    assert disk.lines[-1] == "later"


def test_a_full_disk_is_counted_and_no_error_of_anybody(behind: Make) -> None:
    disk = Disk()
    disk.broken = True
    handler = behind(Sink(0, disk))
    _say(handler, "lost")
    handler.flush()

    disk.broken = False
    _say(handler, "kept")
    handler.flush()

    assert handler.dropped == 1
    assert disk.lines == ["dropped 1", "kept"]


def test_what_a_full_disk_took_is_told_when_it_is_well_again(behind: Make) -> None:
    disk, other = Disk(), Disk()
    disk.broken = other.broken = True
    handler = behind(Sink(logging.NOTSET, disk), Sink(logging.WARNING, other))
    for number in range(20):
        _say(handler, f"{number}", logging.WARNING)
        handler.flush()

    disk.broken = False
    _say(handler, "kept")
    handler.flush()

    assert handler.dropped == 20
    assert disk.lines == ["dropped 20", "kept"]


def test_a_line_that_cannot_be_made_is_let_go(behind: Make) -> None:
    disk = Disk()
    handler = behind(Sink(0, disk))

    handler.handle(logging.LogRecord("a", logging.INFO, "", 0, "%d", ("x",), None))
    handler.flush()

    assert (handler.dropped, disk.lines) == (1, [])


def test_closing_writes_what_waits_once(behind: Make) -> None:
    disk = Disk()
    handler = behind(Sink(0, disk))
    _say(handler, "last")

    handler.close()
    handler.close()

    assert (disk.lines, disk.closed) == (["last"], 1)


def test_the_end_waits_for_no_disk_for_ever(behind: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("talkwire.telemetry.behind._ENDING_S", 0.02)
    disk = Disk()
    disk.open.clear()
    handler = behind(Sink(0, disk))
    _say(handler, "held up")

    handler.flush(0.02)
    handler.close()

    assert disk.lines == []
    disk.open.set()
