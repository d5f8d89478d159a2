"""A child process that outlives neither its tests nor the process that watches over them.

The tests end it by its id. Where they cannot, because they were killed or interrupted, a shell
that looks on does it within a second, and removes the child's folder.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

END_WITHIN_S = 30.0

# $1: whose end is waited for; $2: the child; $3: the signal that ends it; $4: what is removed.
# A zombie has ended, though its id is still taken.
_WATCH = """
lives() { kill -0 "$1" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null; }
while lives "$1"; do
    lives "$2" || exit 0
    sleep 0.3
done
kill -s "$3" "$2" 2>/dev/null
while lives "$2"; do sleep 0.1; done
[ -z "$4" ] || rm -rf "$4"
"""


@dataclass(frozen=True)
class Account:
    """Ids of a user of this machine, and of its group."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Ending:
    """How a child ends when nobody is left to end it.

    `watched` is the id of the process whose end is its end, None for this one. `signal` ends the
    child. `folder` is removed behind it.
    """

    signal: signal.Signals = signal.SIGTERM
    watched: int | None = None
    folder: Path | None = None


class Child:
    """One started process, in a session of its own: a Ctrl-C at the terminal passes it by."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str],
        cwd: Path,
        account: Account | None = None,
        ending: Ending,
    ) -> None:
        self._ending = ending
        self._log = log
        with log.open("ab") as sink:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
                **as_account(account),
            )
        watched = ending.watched or os.getpid()
        shown = [str(watched), str(self.pid), ending.signal.name.removeprefix("SIG")]
        self._watcher = subprocess.Popen(
            ["sh", "-c", _WATCH, "watch", *shown, str(ending.folder or "")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def last_lines(self) -> str:
        """What it said last, for the message of a failure."""
        text = self._log.read_text("utf-8", errors="replace") if self._log.exists() else ""
        return "\n".join(text.splitlines()[-20:])

    def end(self, number: signal.Signals) -> None:
        """Send the signal and wait for the end; what does not end in time is killed."""
        if self.alive:
            self._process.send_signal(number)
        try:
            self._process.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(END_WITHIN_S)
        self._watcher.kill()
        self._watcher.wait(END_WITHIN_S)

    def leave(self) -> None:
        """Let it live on, watched, when this process has ended in order."""
        # Popen would warn of a child that is not waited for.
        self._process.returncode = 0
        self._watcher.returncode = 0

    def remove(self) -> None:
        """The folder of its ending, after its end."""
        if self._ending.folder is not None:
            shutil.rmtree(self._ending.folder, ignore_errors=True)


def as_account(account: Account | None) -> Any:
    """The arguments of `subprocess` that run a program as the account."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}
