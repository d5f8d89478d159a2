"""A real Redis for tests: one of our own, or the one of TEST_REDIS_URL. Everything here blocks."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import redis

from tests.e2e.servers import free_port
from tests.services.binaries import Missing
from tests.services.child import Child, Ending
from tests.services.postgres import NotOurs

GIVEN = "TEST_REDIS_URL"
READY_WITHIN_S = 20.0
PAUSE_S = 0.01


class Redis:
    """A server that runs; see `started` and `given`."""

    def __init__(self, url: str, process: _Process | None = None) -> None:
        self.url = url
        self._process = process

    @classmethod
    @contextmanager
    def started(cls, folder: Path, *, port: int = 0) -> Iterator[Redis]:
        """A server of the caller's own on 127.0.0.1, ended with the block; port 0 is a free one.

        :raises Missing: there is no redis-server on this machine.
        """
        process = _Process(folder, port or free_port())
        try:
            process.start()
            yield cls(f"redis://127.0.0.1:{process.port}/0", process)
        finally:
            process.end(signal.SIGTERM)

    @classmethod
    def given(cls) -> Redis | None:
        """The server of TEST_REDIS_URL, if there is one; its database is emptied."""
        return cls(os.environ[GIVEN]) if os.environ.get(GIVEN) else None

    @property
    def is_ours(self) -> bool:
        """True where it can be killed."""
        return self._process is not None

    @property
    def port(self) -> int:
        return self._own.port

    @property
    def pid(self) -> int:
        """:raises NotOurs: it is somebody else's."""
        return self._own.pid

    def command(self, *words: str | int) -> Any:
        """The answer to one command, text as text."""
        with redis.Redis.from_url(self.url, decode_responses=True, socket_timeout=5) as link:
            return link.execute_command(*words)

    def flush(self) -> None:
        """Nothing is left in its database."""
        self.command("FLUSHDB")

    def kill(self) -> None:
        """SIGKILL."""
        self._own.end(signal.SIGKILL)

    def stop(self) -> None:
        """In order; its data stays for `start_again`."""
        self._own.end(signal.SIGTERM)

    def start_again(self, *, wiped: bool) -> None:
        """On the same port; with all that it had answered to, or with nothing."""
        if wiped:
            self._own.wipe()
        self._own.start()

    @property
    def _own(self) -> _Process:
        if self._process is None:
            raise NotOurs("this server was there before the tests: it is left alive")
        return self._process


class _Process:
    """One data folder and one port, through any number of the server's lives."""

    def __init__(self, folder: Path, port: int) -> None:
        binary = shutil.which("redis-server") or shutil.which("valkey-server")
        if binary is None:
            raise Missing("no Redis here: neither TEST_REDIS_URL, nor redis-server on PATH")
        folder.mkdir(parents=True, exist_ok=True)
        self.port = port
        self._folder = folder
        # What was answered is in the system's hands, so that it survives a kill.
        self._command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
        self._command += ["--appendonly", "yes", "--appendfsync", "no", "--dir", str(folder)]
        self._child: Child | None = None

    @property
    def pid(self) -> int:
        assert self._child is not None, "the server was not started"
        return self._child.pid

    def start(self) -> None:
        assert self._child is None or not self._child.alive, "the server runs already"
        self._child = Child(
            self._command,
            log=self._folder / "redis.txt",
            env={"PATH": os.environ.get("PATH", os.defpath)},
            cwd=self._folder,
            ending=Ending(),
        )
        until = time.monotonic() + READY_WITHIN_S
        while not self._answers():
            assert self._child.alive, f"redis-server ended:\n{self._child.last_lines}"
            assert time.monotonic() < until, f"no answer:\n{self._child.last_lines}"
            time.sleep(PAUSE_S)

    def end(self, number: signal.Signals) -> None:
        if self._child is not None:
            self._child.end(number)

    def wipe(self) -> None:
        assert self._child is None or not self._child.alive, "it runs"
        shutil.rmtree(self._folder / "appendonlydir", ignore_errors=True)
        (self._folder / "appendonly.aof").unlink(missing_ok=True)

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 2) as link:
            link.sendall(b"PING\r\n")
            return link.recv(5) == b"+PONG"
        return False
