"""A worker process as its supervisor sees it: asked for, heard, told to end."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from talkwire.cli.generation import Generation


class Child:
    """Has the process born. `link` is this side of its lifeline, to wait on; `close` it at the end.

    `pid` is None until it is born; `status` is its exit status, or minus the number of the signal
    that ended it, and None while it lives and where nobody could tell.
    """

    def __init__(self, generation: Generation) -> None:
        self.generation = generation
        self.link, theirs = socket.socketpair()
        self.link.setblocking(False)
        self.pid: int | None = None
        self.ready = False
        self.ended = False
        self.status: int | None = None
        self.is_heir = False
        self.model = ""
        self._heard = b""
        self._ready_at: float | None = None
        self._leaving_at: float | None = None
        self._began_at = time.monotonic()
        with theirs:
            generation.bear(theirs)

    @property
    def lived_s(self) -> float:
        """How long it has been ready; while it is not, since its start."""
        return time.monotonic() - (self._ready_at or self._began_at)

    @property
    def leaving_s(self) -> float:
        """How long ago it was told to end; 0 if it was not."""
        return 0.0 if self._leaving_at is None else time.monotonic() - self._leaving_at

    def hear(self) -> None:
        """Take in what it says. When nobody has its lifeline any more, it has ended."""
        try:
            more = self.link.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            more = b""
        self._heard += more
        *lines, self._heard = self._heard.split(b"\n")
        for word, _, rest in (line.partition(b" ") for line in lines):
            if word == b"born":
                self.pid = int(rest)
            elif word == b"ready":
                self.ready, self._ready_at = True, time.monotonic()
                self.model = json.loads(rest)
            elif word == b"ended":
                self.ended, self.status = True, int(rest)
        self.ended = self.ended or not more

    def end(self, *, at_once: bool) -> None:
        """Tell it to drain and end; `at_once` not to wait for its turns."""
        self._leaving_at = self._leaving_at or time.monotonic()
        self._say(b"drain")
        if at_once:
            self._say(b"now")
        if not self.ready:
            self._signal(signal.SIGTERM)  # it does not listen to orders yet

    def kill(self) -> None:
        """End it whatever it does; where it is not even born, those who should bear it."""
        if self.pid is None:
            self.generation.kill()
        else:
            self._signal(signal.SIGKILL)

    def close(self) -> None:
        """Let go of the lifeline."""
        self.link.close()

    def _signal(self, number: signal.Signals) -> None:
        if self.pid is not None and not self.ended:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _say(self, line: bytes) -> None:
        with suppress(OSError):  # it has ended, which is heard elsewhere
            self.link.send(line + b"\n")


@dataclass
class Seat:
    """A worker's place. `heir` is its successor, while that starts."""

    worker: Child | None = None
    heir: Child | None = None
    hasty: int = 0  # how many in a row have ended at once
    start_at: float = 0.0

    def children(self) -> Iterator[Child]:
        """Who belongs here."""
        yield from (child for child in (self.worker, self.heir) if child is not None)
