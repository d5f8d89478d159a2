"""A PostgreSQL server of our own: its data folder, and its life between start and kill."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil

from tests.e2e.servers import free_port
from tests.services.binaries import Programs, find, unprivileged
from tests.services.child import Child, Ending

OWNER = "talkwire"
READY_WITHIN_S = 40.0
PAUSE_S = 0.02

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "300",
    "shared_buffers": "64MB",
    "log_min_messages": "warning",
}


class NotReady(AssertionError):
    """The server ended, or did not answer in time; the message holds its last lines."""


def private_folder(folder: Path) -> Path:
    """Where the server can work: the folder, or, where we are root, one that is not below ours.

    pytest's folders are for us alone, and the server runs as somebody else.
    """
    account = unprivileged()
    if account is None:
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    made = Path(tempfile.mkdtemp(prefix="talkwire-postgres-"))
    os.chown(made, account.uid, account.gid)
    return made


class Cluster:
    """One data folder and one port, through any number of the server's lives.

    `fast` leaves out fsync: what was committed survives the server's death, not the machine's.
    `watched` is the process whose end ends the server; None is this one.
    """

    def __init__(
        self, folder: Path, *, port: int = 0, fast: bool = True, watched: int | None = None
    ) -> None:
        self.folder = private_folder(folder)
        self.port = port or free_port()
        self._ending = Ending(signal.SIGQUIT, watched, self.folder)
        self._settings = _SETTINGS | {"port": str(self.port), "fsync": "off" if fast else "on"}
        self._programs: Programs = find(self.folder)
        self._child: Child | None = None
        self._create()

    @property
    def pid(self) -> int:
        """The postmaster's id."""
        assert self._child is not None, "the server was not started"
        return self._child.pid

    @property
    def alive(self) -> bool:
        return self._child is not None and self._child.alive

    @property
    def version(self) -> str:
        return self._programs.run("postgres", "--version", cwd=self.folder).split()[2]

    def start(self) -> None:
        """Returns once it takes connections.

        Right after a kill the old server's processes may not be gone yet, and the new one refuses
        to start beside them: that is tried again. :raises NotReady: it does not come.
        """
        assert not self.alive, "the server runs already"
        until = time.monotonic() + READY_WITHIN_S
        while not self._came_up(until):
            assert self._child is not None
            if time.monotonic() > until:
                raise NotReady(f"no PostgreSQL on port {self.port}:\n{self._child.last_lines}")
            time.sleep(PAUSE_S)

    def end(self, number: signal.Signals) -> None:
        """SIGINT ends it in order, SIGQUIT at once as after a crash, SIGKILL is the crash. Returns
        when no process of it answers any more: those of a killed one live on for a moment.
        """
        if self._child is None:
            return
        others = psutil.Process(self.pid).children(recursive=True) if self.alive else []
        self._child.end(number)
        psutil.wait_procs(others, timeout=READY_WITHIN_S)

    def remove(self) -> None:
        """Its end, at once since nothing of it is kept, and its folder's."""
        self.end(signal.SIGQUIT)
        if self._child is not None:
            self._child.remove()

    def leave(self) -> None:
        """It lives on until the watched process ends."""
        if self._child is not None:
            self._child.leave()

    def _create(self) -> None:
        words = ["--no-sync", "--auth=trust", f"--username={OWNER}", "--encoding=UTF8"]
        words += ["--locale=C", "--no-instructions", "-D", str(self._data)]
        self._programs.run("initdb", *words, cwd=self.folder)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _came_up(self, until: float) -> bool:
        words = [f"--{name}={value}" for name, value in self._settings.items()]
        self._child = Child(
            self._programs.command("postgres", "-D", str(self._data), *words),
            log=self.folder / "postgres.txt",
            env=self._programs.env,
            cwd=self.folder,
            account=self._programs.account,
            ending=self._ending,
        )
        while time.monotonic() < until:
            if not self._child.alive:
                self._child.end(signal.SIGKILL)
                return False
            if self._takes_connections():
                return True
            time.sleep(PAUSE_S)
        return False

    def _takes_connections(self) -> bool:
        """By the answer to a start-up packet: while it recovers it answers with an error."""
        packet = b"\x00\x03\x00\x00user\x00" + OWNER.encode() + b"\x00database\x00postgres\x00\x00"
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 2) as link:
            link.sendall((len(packet) + 4).to_bytes(4, "big") + packet)
            return link.recv(1) == b"R"
        return False
