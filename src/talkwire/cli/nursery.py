"""Where workers are born: a process that has loaded the server, and forks one when it is asked to.

`talkwire.cli.generation` starts it. A worker that is forked has nothing to load, serves at once,
and shares the memory of what was loaded with the others. This process never serves, and runs
neither an event loop nor a thread.

- Its standard input holds what `talkwire serve` was called with, as JSON.
- Down its link comes a byte for each worker that is wanted, with the worker's end of a lifeline
  (see `worker.py`). Up that lifeline goes `born` with the process id, and at last `ended` with the
  exit status.
- When the link ends, or who holds it dies, it stays until its last worker has ended.
"""

from __future__ import annotations

import gc
import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


def births(link: socket.socket, listening: Sequence[str]) -> socket.socket | None:
    """Returns in each worker, with its end of the lifeline, and here with None after the last.

    `listening` are the numbers of sockets that only workers take to their end.
    """
    link.set_inheritable(False)
    workers: dict[int, socket.socket] = {}
    with link, selectors.DefaultSelector() as selector, _woken(selector):
        selector.register(link, selectors.EVENT_READ, link)
        wanted = True
        while wanted or workers:
            ready = [key.data for key, _ in selector.select()]
            for bell in set(ready) - {link}:
                bell.recv(4096)
            for pid, status in _ended(workers):
                with workers.pop(pid) as lifeline:
                    _say(lifeline, f"ended {status}")
            if link not in ready:
                continue
            try:
                _, received, _, _ = socket.recv_fds(link, 1, 1)
            except OSError:
                received = []
            if not received:
                selector.unregister(link)
                wanted = False
                for number in map(int, listening):
                    os.close(number)
                continue
            lifeline = socket.socket(fileno=received[0])
            pid = os.fork()
            if pid == 0:
                for other in workers.values():
                    other.close()
                return lifeline
            workers[pid] = lifeline
            _say(lifeline, f"born {pid}")
    return None


@contextmanager
def _woken(selector: selectors.BaseSelector) -> Iterator[None]:
    """Let the end of a child wake the selector. A child leaves this too, as if it had no parent."""
    here, there = socket.socketpair()
    for end in (here, there):
        end.setblocking(False)
    selector.register(here, selectors.EVENT_READ, here)

    before = signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(there.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, before)
        here.close()
        there.close()


def _ended(workers: Mapping[int, socket.socket]) -> list[tuple[int, int]]:
    """Collects those that have ended; with their exit status, or minus a signal's number."""
    found = [os.waitpid(pid, os.WNOHANG) for pid in workers]
    return [(pid, os.waitstatus_to_exitcode(status)) for pid, status in found if pid]


def _say(lifeline: socket.socket, line: str) -> None:
    with suppress(OSError):  # nobody listens any more
        lifeline.send(line.encode() + b"\n")


def main(argv: Sequence[str]) -> int:
    """Until no worker is wanted; a worker's own status in each worker. `argv`: the numbers of the
    link and of what listens.
    """
    # They may reach the whole group, and are meant for others.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    asked = json.load(sys.stdin)
    _prepare(asked)
    from talkwire.cli import worker

    lifeline = births(socket.socket(fileno=int(argv[0])), argv[1:])
    if lifeline is None:
        return 0
    return worker.work(lifeline, asked, argv[1:])


def _prepare(asked: Mapping[str, Any]) -> None:
    """Load the server, and what these settings need besides: a server is made, and let go."""
    from talkwire.cli.loading import load
    from talkwire.settings import SettingsError, trace

    load()
    from talkwire.app import build

    # A worker reads the settings anew, and tells what is wrong with them.
    with suppress(SettingsError, ValueError):
        config = Path(asked["config"]) if asked["config"] else None
        settings = trace(config, **asked["options"]).settings
        # Tools of the operator's own might start a thread, and a fork would lose it.
        tools = settings.tools.model_copy(update={"module": None})
        build(settings.model_copy(update={"tools": tools}))
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
