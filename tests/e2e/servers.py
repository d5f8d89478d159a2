"""Talkwire as a child process: started, waited for, killed, frozen, restarted on the same data.

The environment of a child holds PATH, HOME and what the test gives, nothing of the caller's.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

READY_WITHIN_S = 30.0
PAUSE_S = 0.02
_LIVENESS = b"GET /health/liveness HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
_CODE = "from talkwire.cli.main import app; app()"


class NotReady(AssertionError):
    """The child ended, or did not answer in time; the message holds its last lines."""


def free_port() -> int:
    """A port that nothing listens on, below the range that connections take theirs from.

    A client that asks a dead server again and again would else, sooner or later, be given the
    server's own port and be connected to itself.
    """
    dice = random.SystemRandom()
    for _ in range(200):
        port = dice.randrange(12_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no free port")


class Server:
    """One server on one port and one data folder, through any number of its lives."""

    def __init__(
        self,
        folder: Path,
        *,
        env: Mapping[str, str] | None = None,
        config: Mapping[str, Any] | None = None,
        data_dir: Path | None = None,
        port: int | None = None,
        prelude: str = "",
    ) -> None:
        """`prelude` is Python that the child runs first: a test's way to break it on purpose."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.data_dir = data_dir or folder / "data"
        self.port = port or free_port()
        self.log = folder / f"server-{self.port}.log"
        self.lives = 0
        self._env = dict(env or {})
        self._code = f"{prelude}\n{_CODE}" if prelude else _CODE
        self._config = folder / f"config-{self.port}.yaml" if config else None
        if self._config:
            self._config.write_text(yaml.safe_dump(dict(config or {})), encoding="utf-8")
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._child is not None, "the server was not started"
        return self._child.pid

    @property
    def alive(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def returncode(self) -> int | None:
        return self._child.poll() if self._child else None

    @property
    def output(self) -> str:
        """All that its lives have printed."""
        return self.log.read_text("utf-8", errors="replace") if self.log.exists() else ""

    @property
    def config_path(self) -> Path | None:
        return self._config

    @property
    def environment(self) -> dict[str, str]:
        """All that a child gets."""
        here = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8"}
        return here | self._env

    def spawn(self) -> None:
        """Begin a life, without waiting for it to answer."""
        assert not self.alive, "the server runs already"
        command = [sys.executable, "-c", self._code, "serve", "--host", "127.0.0.1"]
        command += ["--port", str(self.port), "--data-dir", str(self.data_dir)]
        if self._config:
            command += ["--config", str(self._config)]
        with self.log.open("ab") as sink:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                env=self.environment,
                cwd=self.folder,
                start_new_session=True,
            )
        self.lives += 1

    async def start(self) -> Server:
        """Spawn, and wait until it answers."""
        self.spawn()
        await self.ready()
        return self

    async def ready(self, within_s: float = READY_WITHIN_S) -> None:
        """Wait until /health/liveness answers 200."""
        until = time.monotonic() + within_s
        while not await self._answers():
            self._still_hoping(until)
            await asyncio.sleep(PAUSE_S)

    def start_blocking(self) -> Server:
        """The same for fixtures and tests without an event loop."""
        self.spawn()
        until = time.monotonic() + READY_WITHIN_S
        while not self._answers_blocking():
            self._still_hoping(until)
            time.sleep(PAUSE_S)
        return self

    async def restart(self) -> Server:
        """Another life on the same port and data folder, after the last one is over."""
        await self.exited()
        return await self.start()

    def kill9(self) -> None:
        """End it as a crash does, and collect it: its port is free afterwards."""
        self._signal(signal.SIGKILL)
        if self._child is not None:
            self._child.wait(10)

    def terminate(self) -> None:
        """Ask it to drain and end."""
        self._signal(signal.SIGTERM)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    async def exited(self, within_s: float = 15.0) -> int:
        """Wait for its end; its exit code."""
        until = time.monotonic() + within_s
        while self.alive:
            if time.monotonic() > until:
                raise NotReady(f"still running after {within_s} s:\n{self._last_lines()}")
            await asyncio.sleep(PAUSE_S)
        code = self.returncode
        assert code is not None, "the server was not started"
        return code

    def stop(self) -> None:
        """End it whatever it does; for the end of a test."""
        if self._child is None:
            return
        self.thaw()
        self.terminate()
        try:
            self._child.wait(3)
        except subprocess.TimeoutExpired:
            self.kill9()

    def _signal(self, number: signal.Signals) -> None:
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(number)

    def _still_hoping(self, until: float) -> None:
        if not self.alive:
            raise NotReady(f"the server ended with {self.returncode}:\n{self._last_lines()}")
        if time.monotonic() > until:
            raise NotReady(f"no answer on port {self.port} in time:\n{self._last_lines()}")

    def _last_lines(self) -> str:
        return "\n".join(self.output.splitlines()[-40:])

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(2):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                try:
                    writer.write(_LIVENESS)
                    return b" 200 " in await reader.readline()
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return False

    def _answers_blocking(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as link:
                link.sendall(_LIVENESS)
                return b" 200 " in link.recv(64)
        except OSError:
            return False
