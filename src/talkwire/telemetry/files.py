"""Log files that several processes write, and that are begun anew when they are full.

Every line is one write to the end of the file, so lines of several processes never mix. Whoever
finds the file full renames it and its predecessors under a lock; the others notice, before their
next line, that their file has another name now, and go on in the new one. No line is lost by that.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl

_MODE = 0o640
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)


class Rotating:
    """One file, at most `max_bytes` long, with `backups` older ones beside it: `name.1` is the
    newest of those. Nothing is opened before the first line.
    """

    def __init__(self, path: Path, *, max_bytes: int, backups: int) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._backups = backups
        self._fd: int | None = None

    def write(self, line: bytes) -> None:
        """Add a line, which ends in LF. :raises OSError: it could not be written."""
        if self._fd is None or not self._is_there(self._fd):
            self._reopen()
        if self._fd is not None and self._is_full(self._fd, line):
            self._rotate(line)
        if self._fd is not None:
            os.write(self._fd, line)

    def close(self) -> None:
        """Let go of the file. May be called twice."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def _is_there(self, fd: int) -> bool:
        """Whether the open file still has its name."""
        with suppress(FileNotFoundError):
            return os.path.samestat(os.stat(self.path), os.fstat(fd))
        return False

    def _is_full(self, fd: int, line: bytes) -> bool:
        size = os.fstat(fd).st_size
        return size > 0 and size + len(line) > self._max_bytes

    def _reopen(self) -> None:
        self.close()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(self.path, _FLAGS, _MODE)

    def _rotate(self, line: bytes) -> None:
        with self._alone():
            self._reopen()  # somebody else may have rotated it meanwhile
            if self._fd is None or not self._is_full(self._fd, line):
                return
            for number in range(self._backups, 0, -1):
                older = self._named(number - 1) if number > 1 else self.path
                with suppress(FileNotFoundError):
                    os.replace(older, self._named(number))
            if self._backups == 0:
                os.truncate(self.path, 0)
            self._reopen()

    def _named(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process renames these files meanwhile."""
        if sys.platform == "win32":
            yield
            return
        lock = os.open(self.path.with_name(f".{self.path.name}.lock"), _FLAGS, _MODE)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)
