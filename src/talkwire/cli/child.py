"""A worker process as its supervisor sees it: started, heard, told to end, collected."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any


class Child:
    """Starts the process. `link` is this side of its lifeline, to wait on; `close` it at the end.

    The process gets `command`, the number of its end of the lifeline, and those of `sockets`.
    """

    def __init__(
        self, command: Sequence[str], sockets: Sequence[socket.socket], asked: Mapping[str, Any]
    ) -> None:
        self.link, theirs = socket.socketpair()
        self.link.setblocking(False)
        self.ready = False
        self.is_heir = False
        self.model = ""
        self._heard = b""
        self._ready_at: float | None = None
        self._leaving_at: float | None = None
        self._began_at = time.monotonic()
        inherited = [theirs.fileno(), *(each.fileno() for each in sockets)]
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - this program itself, and numbers
                [*command, *map(str, inherited)], pass_fds=inherited, stdin=subprocess.DEVNULL
            )
        self._say(json.dumps(asked).encode())

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        """True once the process is over, and collected."""
        return self._process.poll() is not None

    @property
    def status(self) -> int | None:
        """Its exit status, or minus the number of the signal that ended it."""
        return self._process.returncode

    @property
    def lived_s(self) -> float:
        """How long it has been ready; while it is not, since its start."""
        return time.monotonic() - (self._ready_at or self._began_at)

    @property
    def leaving_s(self) -> float:
        """How long ago it was told to end; 0 if it was not."""
        return 0.0 if self._leaving_at is None else time.monotonic() - self._leaving_at

    def hear(self) -> bool:
        """Take in what it says. False when it says nothing more."""
        try:
            more = self.link.recv(4096)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._heard += more
        *lines, self._heard = self._heard.split(b"\n")
        for line in lines:
            self.ready, self._ready_at = True, time.monotonic()
            self.model = json.loads(line.removeprefix(b"ready "))
        return bool(more)

    def end(self, *, at_once: bool) -> None:
        """Tell it to drain and end; `at_once` not to wait for its turns."""
        self._leaving_at = self._leaving_at or time.monotonic()
        self._say(b"drain")
        if at_once:
            self._say(b"now")
        if not self.ready and not self.ended:
            self._process.terminate()  # it does not listen to orders yet

    def kill(self) -> None:
        """End it whatever it does."""
        if not self.ended:
            self._process.kill()

    def close(self) -> None:
        """Let go of the lifeline."""
        self.link.close()

    def _say(self, line: bytes) -> None:
        with suppress(OSError):  # it has ended, which is heard elsewhere
            self.link.send(line + b"\n")
