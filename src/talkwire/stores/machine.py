"""This machine, and whether its processes still live.

A process that was killed can be seen to be gone by whoever shares its machine: nobody has to wait
until it has been silent for long enough.
"""

from __future__ import annotations

import os
import socket
from functools import cache
from hashlib import blake2b
from pathlib import Path

_PROC = Path("/proc")


@cache
def machine() -> str:
    """The host's name, and a mark of this boot and its processes' numbering: two processes with
    one such text can see each other's process ids. The name alone where there is no such mark.
    """
    name = socket.gethostname()
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        pids = os.readlink(_PROC / "self/ns/pid")
    except OSError:
        return name
    return f"{name} {blake2b(f'{boot} {pids}'.encode(), digest_size=6).hexdigest()}"


def host_of(text: str) -> str:
    """The host's name in what `machine` said."""
    return text.partition(" ")[0]


def is_marked(text: str) -> bool:
    """Whether process ids mean the same to all who say this text."""
    return " " in text


def gone(pid: int) -> bool:
    """True when no process of this machine has this id, or only its remains have."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    try:
        told = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return False
    return told.rpartition(")")[2].split()[:1] in (["Z"], ["X"])
