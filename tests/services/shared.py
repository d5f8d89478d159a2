"""One server for all test processes of a run: whoever needs it first starts it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path


def run_folder(session_folder: Path) -> Path:
    """The folder that all processes of a run have in common, by a session's own base folder."""
    return session_folder.parent if is_parallel() else session_folder


def is_parallel() -> bool:
    """True in one of several test processes."""
    return "PYTEST_XDIST_WORKER" in os.environ


def runner() -> int:
    """The process that lives as long as the run: ours, or the one that started us."""
    return os.getppid() if is_parallel() else os.getpid()


def once(folder: Path, name: str, start: Callable[[], str]) -> str:
    """What `start` returned to the first process of the run that asked for `name`."""
    with (folder / f"{name}.lock").open("a+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        held.seek(0)
        known = held.read()
        if not known:
            known = start()
            held.write(known)
        return known
