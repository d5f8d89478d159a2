"""Child processes of a run: started on a CPU of their own, waited for, ended by their id."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psutil

READY_WITHIN_S = 30.0
END_WITHIN_S = 5.0


class NotReady(Exception):
    """A child that ended, or gave no answer in time; the message holds its last lines."""


@dataclass(frozen=True)
class Cpus:
    """Where the load with its upstream runs, and where the target does; None leaves it open."""

    load: int | None
    target: int | None

    def __str__(self) -> str:
        if self.load is None:
            return "not pinned: the system has one CPU or cannot pin, so take no figure as final"
        return f"load and upstream on CPU {self.load}, the target alone on CPU {self.target}"


def cpus() -> Cpus:
    """Two CPUs of those that this process may use."""
    if sys.platform != "linux":
        return Cpus(None, None)
    allowed = sorted(os.sched_getaffinity(0))
    return Cpus(allowed[0], allowed[1]) if len(allowed) > 1 else Cpus(None, None)


@contextmanager
def pinned(cpu: int | None) -> Iterator[None]:
    """Children started inside inherit the CPU."""
    if cpu is None or sys.platform != "linux":
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    command: Sequence[str], *, port: int, cpu: int | None, env: Mapping[str, str], folder: Path
) -> Iterator[int]:
    """A server that answers on `port`; yields its process id. Raises NotReady."""
    log = folder / f"{Path(command[0]).name}-{port}.log"
    with log.open("wb") as sink, pinned(cpu):
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, env=dict(env), cwd=folder
        )
    try:
        _await_port(child, port, log)
        yield child.pid
    finally:
        _end(child)


def _await_port(child: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < until:
        if child.poll() is not None:
            raise NotReady(f"{child.args!r} ended with {child.returncode}:\n{last_lines(log)}")
        with suppress(OSError, HTTPException):
            return _answers(port)
        time.sleep(0.05)
    raise NotReady(f"{child.args!r} gave no answer on port {port}:\n{last_lines(log)}")


def _answers(port: int) -> None:
    """Any answer will do; a connection alone may only be in the backlog of a server that starts."""
    asked = HTTPConnection("127.0.0.1", port, timeout=5)
    with closing(asked):
        asked.request("GET", "/healthz")
        asked.getresponse().read()


def last_lines(log: Path) -> str:
    """The end of what a child wrote."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:])


def _end(child: subprocess.Popen[bytes]) -> None:
    """Asks the child to end, then insists; its own children go with it."""
    family: list[psutil.Process] = []
    with suppress(psutil.NoSuchProcess):
        family = psutil.Process(child.pid).children(recursive=True)
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
    try:
        child.wait(END_WITHIN_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    _, left = psutil.wait_procs(family, timeout=1)
    for orphan in left:
        with suppress(psutil.NoSuchProcess):
            orphan.kill()
